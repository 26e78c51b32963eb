// Goes as soon as src/util/restrictions has these.
#include <fmt/format.h>

#include "restrictions/rules.h"

namespace restrictions {

[[gnu::weak]] std::string_view name_of(Stage stage) {
  switch (stage) {
    case Stage::connect:
      return "CONNECT";
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
  return "";
}
[[gnu::weak]] std::string Reply::line() const {
  return fmt::format("{} {} {}", code, status, text);
}
[[gnu::weak]] void Effects::add(Effects) {}

}  // namespace restrictions
