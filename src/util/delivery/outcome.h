#pragma once
// What became of a recipient, and the order in which that is made known:
//
//   sent      log line; trace log when the sender asked for success reports; done mark
//   bounced   bounce log, durable; log line; done mark
//   deferred  defer log; log line; no mark
//
// A done mark that cannot be written is an error that the agent reports as deferred: delivered twice rather than lost.
// With soft_bounce, bounced becomes deferred. Verification probes are reported, never bounced.

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "config/config.h"
#include "delivery/request.h"
#include "queue/spool.h"

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
  std::string tls;          // tls=
};

struct OutcomeSettings {
  bool soft_bounce = false;
  bool compatible_logs = true;     // backwards_bounce_logfile_compatibility
  int delay_decimals = 2;          // delay_logging_resolution_limit
  bool external_addresses = true;  // info_log_address_format
  std::string fast_flush_domains_value;
  static OutcomeSettings from(const config::Config& config);
};

// Makes outcomes known for one message: agents and qmgr both use it.
class Recorder {
 public:
  // `message_fd` is open for writing, or -1: no done marks (a recipient that is not in the file).
  Recorder(const queue::Spool& spool, const OutcomeSettings& settings, const Request& request, int message_fd);
  ~Recorder();

  // False: it could not be made known; the recipient counts as deferred.
  bool record(const RequestRecipient& recipient, const Outcome& outcome, const LogLine& line, const Times& times);
  bool some_deferred() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// The text for one delivery; pure.
std::string format_delays(const Times& times, int decimals);  // "delay=1.2, delays=0.1/0/0.5/0.6"

}  // namespace delivery
