#include "smtpd/reply.h"

#include <fmt/format.h>

#include "base/text.h"

namespace smtpd {

namespace {

// RFC 5321 allows 512 bytes with the line end; RFC 4954 more for a challenge.
constexpr std::size_t kLongestLine = 510;

void append_line(std::string& to, int code, char separator, std::string_view text) {
  const std::size_t start = to.size();
  fmt::format_to(std::back_inserter(to), "{}{}{}", code, separator, text);
  if (code != 334 && to.size() - start > kLongestLine) to.resize(start + kLongestLine);
  for (std::size_t i = start; i < to.size(); ++i)
    if (!base::is_printable(to[i]) && static_cast<unsigned char>(to[i]) < 0x80) to[i] = ' ';
  to += "\r\n";
}

}  // namespace

std::string Reply::line() const {
  if (status.empty()) return fmt::format("{} {}", code, text);
  return fmt::format("{} {}{} {}", code, code / 100, std::string_view(status).substr(1), text);
}

Reply softened(Reply reply) {
  if (reply.code >= 500) reply.code -= 100;
  return reply;
}

std::string on_the_wire(const Reply& reply) {
  std::string result;
  const std::string first = reply.line().substr(4);
  append_line(result, reply.code, reply.lines.empty() ? ' ' : '-', first);
  for (std::size_t i = 0; i < reply.lines.size(); ++i)
    append_line(result, reply.code, i + 1 == reply.lines.size() ? ' ' : '-', reply.lines[i]);
  return result;
}

}  // namespace smtpd
