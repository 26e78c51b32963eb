#include "restrictions/rules.h"

#include <fmt/format.h>

namespace restrictions {

std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::connect:
      return "CONNECT";
    case Stage::xclient:
      return "XCLIENT";
    case Stage::helo:
      return "HELO";
    case Stage::ehlo:
      return "EHLO";
    case Stage::mail:
      return "MAIL";
    case Stage::rcpt:
      return "RCPT";
    case Stage::data:
      return "DATA";
    case Stage::end_of_message:
      return "END-OF-MESSAGE";
    case Stage::vrfy:
      return "VRFY";
    case Stage::etrn:
      return "ETRN";
  }
  return "UNKNOWN";
}

std::string Reply::line() const {
  return status.empty() ? fmt::format("{} {}", code, text) : fmt::format("{} {} {}", code, status, text);
}

void Effects::add(Effects more) {
  hold = hold || more.hold;
  discard = discard || more.discard;
  if (!more.filter.empty()) filter = std::move(more.filter);
  if (!more.redirect.empty()) redirect = std::move(more.redirect);
  for (std::string& address : more.bcc) bcc.push_back(std::move(address));
  for (std::string& header : more.prepend) prepend.push_back(std::move(header));
}

}  // namespace restrictions
