#include "smtpd/limits.h"

namespace smtpd::limits {

std::optional<Reply> at_connect(Session&) {
  return std::nullopt;
}
void at_disconnect(Session&) noexcept {}
std::optional<Reply> of_messages(Session&) {
  return std::nullopt;
}
std::optional<Reply> of_recipients(Session&) {
  return std::nullopt;
}
std::optional<Reply> of_tls_sessions(Session&) {
  return std::nullopt;
}
std::optional<Reply> of_auth(Session&) {
  return std::nullopt;
}

}  // namespace smtpd::limits
