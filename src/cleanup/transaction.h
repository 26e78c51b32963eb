#pragma once
// What is known of one message while it passes: shared by the parts that handle its segments.

#include <string>
#include <string_view>
#include <vector>

#include "cleanup/output.h"
#include "cleanup/settings.h"
#include "client/cleanup_client.h"
#include "queue/id.h"
#include "queue/message.h"
#include "queue/status_log.h"

namespace cleanup {

struct Transaction {
  Transaction(const Settings& with_settings, const Tables& with_tables, Output& to, std::string queue_id,
              queue::TimeStamp created_at, int asked)
      : settings(with_settings),
        tables(with_tables),
        out(to),
        id(std::move(queue_id)),
        created(created_at),
        flags(asked) {}

  const Settings& settings;
  const Tables& tables;
  Output& out;
  const std::string id;
  const queue::TimeStamp created;
  int flags;  // client::cleanup_flag

  // What is wrong with it: client::cleanup_status, and what to tell the client.
  int status = 0;
  std::string reason;

  // From the envelope.
  queue::TimeStamp arrival;
  bool has_arrival = false;
  std::string sender;
  bool has_sender = false;
  std::string full_name;
  bool has_full_name = false;
  bool local_headers = true;  // rewrite_context
  std::string encoding;
  std::string envelope_id;
  int return_flags = 0;
  int trace_flags = 0;
  std::string verp_delimiters;
  bool require_tls = false;
  bool require_tls_by_header = false;  // no record in the envelope says so
  std::string origin = "local";        // log_message_origin, and for the log of rejects:
  std::string log_protocol;
  std::string log_helo;

  // For the size record.
  std::int64_t data_offset = 0;
  std::int64_t content_size = 0;
  std::int64_t recipients = 0;  // R records written
  int hints = 0;
  int smtputf8 = 0;

  // Aliases whose senders want to hear of success: what they are told is that the alias was expanded. For the trace
  // log; whoever drives the message takes them out as it goes.
  std::vector<queue::StatusEntry> expanded;
  bool traced = false;  // some have been written down

  std::string last_recipient;  // the last that came in, for the log

  bool maps() const { return (flags & client::cleanup_flag::kMapOk) != 0; }
  bool bccs() const { return (flags & client::cleanup_flag::kBccOk) != 0; }
  bool filters() const { return (flags & client::cleanup_flag::kFilter) != 0; }

  // What is wrong that cleanup itself returns to the sender when it is asked to: the message is then kept whole.
  static constexpr int kReturnable = client::cleanup_status::kSize | client::cleanup_status::kContent |
                                     client::cleanup_status::kHops | client::cleanup_status::kNoPermission |
                                     client::cleanup_status::kBareLf;
  // Nothing more of the message is of use.
  bool given_up() const {
    if ((flags & client::cleanup_flag::kDiscard) != 0) return true;
    const bool returns = (flags & client::cleanup_flag::kBounce) != 0;
    return (status & (returns ? ~kReturnable : ~0)) != 0;
  }

  // "<id>: message rejected: <why>", status BAD.
  void reject_bad(std::string_view why);
  void warn(std::string_view text) const;  // "<id>: <text>"
  // The status and its reason: the first reason stays.
  void fail(int bits, std::string_view why = {});
};

}  // namespace cleanup
