#pragma once
// What became of a recipient, and the order in which that is made known:
//
//   sent      log line; trace log when the sender asked for success reports; done mark
//   bounced   bounce log, durable; log line; done mark
//   deferred  defer log; log line; no mark
//
// A done mark that cannot be written is an error that the agent reports as deferred: delivered twice rather than lost.
// With soft_bounce, bounced becomes deferred. What was only asked about (sendmail -bv, address verification) is told as
// deliverable or undeliverable and is done: nothing bounces and nothing waits. A trace log that cannot be written
// defers.

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "config/config.h"
#include "delivery/request.h"
#include "queue/spool.h"

namespace table {
class MatchList;
}

namespace delivery {

struct Sent {
  Status status;                     // 2.0.0, "delivered to maildir"
  std::string action = "delivered";  // or relayed, expanded
};
struct Bounced {
  Status status;  // 5.x.x
};
struct Deferred {
  Status status;  // 4.x.x
};
using Outcome = std::variant<Sent, Bounced, Deferred>;

// "to=<u@x>, orig_to=<al@x>, relay=local, delay=1.2, delays=0.1/0/0.5/0.6, dsn=2.0.0, status=sent (text)"
struct LogLine {
  std::string relay = "none";
  int connection_uses = 0;  // conn_use= from 2 on
  std::string tls = {};     // tls=
};

class StatusFilter;

struct OutcomeSettings {
  bool soft_bounce = false;
  bool compatible_logs = true;                                 // backwards_bounce_logfile_compatibility
  int delay_decimals = 2;                                      // delay_logging_resolution_limit
  bool external_addresses = true;                              // info_log_address_format
  bool old_flush_domains = false;                              // for the log (config/old_defaults.h)
  std::shared_ptr<const table::MatchList> fast_flush_domains;  // null: nobody is told of mail that waits
  std::string flush_service = "public/flush";
  std::shared_ptr<const StatusFilter> status_filter;  // null: none
  // `filter_parameter`: local_delivery_status_filter and its like; empty for agents that have none.
  static OutcomeSettings from(const config::Config& config, std::string_view filter_parameter = {});
};

// Makes outcomes known for one message: agents and qmgr both use it.
class Recorder {
 public:
  // `message_fd` is open for writing, or -1: no done marks (a recipient that is not in the file).
  Recorder(const queue::Spool& spool, const OutcomeSettings& settings, const Request& request, int message_fd);
  ~Recorder();

  // False: it could not be made known; the recipient counts as deferred. `times.delivered` 0 stands for now.
  bool record(const RequestRecipient& recipient, const Outcome& outcome, const LogLine& line, const Times& times);
  // The same fate for all of them, in one write of each log. False: as above, for all of them.
  bool record(const std::vector<RequestRecipient>& recipients, const Outcome& outcome, const LogLine& line,
              const Times& times);
  // Another agent was asked and has made it known; or it could not, and the recipient waits.
  void passed_on(bool deferred);
  bool some_deferred() const;
  std::size_t recorded() const;  // recipients, so far

  // Tells the flush service about the destinations that mail now waits for. Once, at the end; the destructor does it
  // otherwise.
  void finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The text for one delivery; pure.
std::string format_delays(const Times& times, int decimals);  // "delay=1.2, delays=0.1/0/0.5/0.6"

}  // namespace delivery
