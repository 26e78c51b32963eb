#pragma once
// Asking bounce(8) to turn a message's log into a notice. The logs themselves are written by whoever knows the fate of
// a recipient (queue/status_log.h, delivery/).

#include <expected>
#include <string>

#include "base/error.h"
#include "io/wait.h"
#include "ipc/channel.h"
#include "queue/status_log.h"

namespace client {

enum class Notice {
  failure,  // private/bounce: to the sender; the log is removed once cleanup has the notice
  verp,     // ... one notice a recipient
  delay,    // private/defer: the log stays
  trace,    // private/trace: success, verification and delivery reports; the log is removed
};

// The message that the notice is about.
struct NoticeRequest {
  static constexpr ipc::Kind kind = ipc::Kind::bounce_notice;
  Notice notice = Notice::failure;
  int flags = 0;  // the message's trace flags
  std::string queue_name;
  std::string queue_id;
  std::string encoding;
  int smtputf8 = 0;
  std::string sender;
  std::string envelope_id;
  int return_flags = 0;
  std::string verp_delimiters;
  static void fields(auto& self, auto&& visit) {
    visit(self.notice, self.flags, self.queue_name, self.queue_id, self.encoding, self.smtputf8, self.sender,
          self.envelope_id, self.return_flags, self.verp_delimiters);
  }
};

// One recipient, returned at once and without a log.
struct SingleBounce {
  static constexpr ipc::Kind kind = ipc::Kind::bounce_single;
  NoticeRequest message;
  std::string recipient, original_recipient, dsn_original;
  int notify = 0;
  std::string status, action, diagnostic_type, diagnostic_text, mta_type, mta_name, reason;
  static void fields(auto& self, auto&& visit) {
    visit(self.message, self.recipient, self.original_recipient, self.dsn_original, self.notify, self.status,
          self.action, self.diagnostic_type, self.diagnostic_text, self.mta_type, self.mta_name, self.reason);
  }
};

struct NoticeResult {
  static constexpr ipc::Kind kind = ipc::Kind::bounce_result;
  bool done = false;   // false: try again later
  std::string reason;  // why not
  static void fields(auto& self, auto&& visit) { visit(self.done, self.reason); }
};

class BounceClient {
 public:
  struct Paths {
    std::string bounce = "private/bounce";
    std::string defer = "private/defer";
    std::string trace = "private/trace";
  };
  explicit BounceClient(ipc::Pool& pool) : pool_(pool) {}
  BounceClient(ipc::Pool& pool, Paths paths) : pool_(pool), paths_(std::move(paths)) {}

  // An error, or a result that is not done: the log stays, the caller comes back later.
  std::expected<void, base::Error> send(const NoticeRequest& request, io::Deadline deadline);
  std::expected<void, base::Error> send(const SingleBounce& request, io::Deadline deadline);

 private:
  template <typename Request>
  std::expected<void, base::Error> ask(const std::string& path, const Request& request, io::Deadline deadline);
  ipc::Pool& pool_;
  Paths paths_;
};

}  // namespace client
