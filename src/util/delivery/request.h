#pragma once
// What qmgr asks of a delivery agent, and what it hears back.

#include <string>
#include <vector>

#include "ipc/channel.h"
#include "queue/message.h"

namespace delivery {

// Points in time of one delivery, in microseconds since the epoch; 0: not reached. delays=a/b/c/d is what lies between.
struct Times {
  std::int64_t arrival = 0;    // at the mail system
  std::int64_t active = 0;     // in the active queue
  std::int64_t handoff = 0;    // at the agent
  std::int64_t connected = 0;  // agent: the connection is set up
  std::int64_t delivered = 0;  // agent: done
  static void fields(auto& self, auto&& visit) {
    visit(self.arrival, self.active, self.handoff, self.connected, self.delivered);
  }
};
std::int64_t microseconds_now();

struct RequestRecipient {
  std::string address, original, dsn_original;
  int notify = 0;
  std::int64_t offset = 0;
  static void fields(auto& self, auto&& visit) {
    visit(self.address, self.original, self.dsn_original, self.notify, self.offset);
  }
};

struct RequestClient {  // queue::Client, on its way
  std::string name, address, port, protocol, helo, sasl_method, sasl_username, sasl_sender, log_ident, rewrite_context;
  static void fields(auto& self, auto&& visit) {
    visit(self.name, self.address, self.port, self.protocol, self.helo, self.sasl_method, self.sasl_username,
          self.sasl_sender, self.log_ident, self.rewrite_context);
  }
};

struct Request {
  static constexpr ipc::Kind kind = ipc::Kind::delivery_request;
  int trace_flags = 0;  // queue::trace bits
  std::string queue_name = "active";
  std::string queue_id;
  std::int64_t data_offset = 0;
  std::int64_t size = 0;
  std::string nexthop;
  std::string encoding;
  int smtputf8 = 0;
  bool require_tls = false;  // REQUIRETLS: no hop without TLS
  std::string sender;
  std::string envelope_id;
  int return_flags = 0;
  Times times;
  // No agent can have seen this message before: cleanup told of it during this life of the queue manager, and this is
  // the first attempt. Agents then need not look for what an earlier attempt may have left; false is always safe.
  bool fresh = false;
  RequestClient client;
  std::vector<RequestRecipient> recipients;
  static void fields(auto& self, auto&& visit) {
    visit(self.trace_flags, self.queue_name, self.queue_id, self.data_offset, self.size, self.nexthop, self.encoding,
          self.smtputf8, self.require_tls, self.sender, self.envelope_id, self.return_flags, self.times, self.fresh,
          self.client, self.recipients);
  }
};

// A status of one recipient or of a whole destination.
struct Status {
  std::string code = {};             // 4.4.1
  std::string reason = {};           // connect to mx.example[192.0.2.1]:25: Connection timed out
  std::string diagnostic_type = {};  // smtp
  std::string diagnostic_text = {};  // 450 4.2.0 Try later
  std::string mta_type = {};         // dns
  std::string mta_name = {};
  static void fields(auto& self, auto&& visit) {
    visit(self.code, self.reason, self.diagnostic_type, self.diagnostic_text, self.mta_type, self.mta_name);
  }
};

struct Report {
  static constexpr ipc::Kind kind = ipc::Kind::delivery_report;
  bool some_deferred = false;                 // false: every recipient has been marked done
  bool corrupt = false;                       // the agent could not make sense of the queue file
  std::optional<Status> destination_failure;  // the whole destination failed: qmgr lets it rest
  static void fields(auto& self, auto&& visit) { visit(self.some_deferred, self.corrupt, self.destination_failure); }
};

}  // namespace delivery
