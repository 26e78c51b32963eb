#pragma once
// The fast flush service: which messages wait for which destination.

#include <expected>
#include <string>
#include <string_view>

#include "base/error.h"
#include "io/wait.h"
#include "ipc/channel.h"
#include "queue/id.h"

namespace client {

struct FlushRequest {
  static constexpr ipc::Kind kind = ipc::Kind::flush_request;
  enum class Action : unsigned char { add, send_site, send_file, refresh, purge };
  Action action = Action::add;
  std::string site;
  std::string queue_id;
  static void fields(auto& self, auto&& visit) { visit(self.action, self.site, self.queue_id); }
};
enum class FlushStatus : int { ok = 0, failed = -1, bad_parameter = 3, not_configured = 4 };
struct FlushResult {
  static constexpr ipc::Kind kind = ipc::Kind::flush_result;
  FlushStatus status = FlushStatus::failed;
  static void fields(auto& self, auto&& visit) { visit(self.status); }
};

// Over public/flush. The error: the service cannot be reached.
std::expected<FlushStatus, base::Error> ask_flush(const std::string& path, const FlushRequest& request,
                                                  io::Deadline deadline);

// For callers that know that relay_domains, and fast_flush_domains by it, is an old default (config/old_defaults.h).
void log_old_flush_domains(FlushRequest::Action action, std::string_view site);

}  // namespace client
