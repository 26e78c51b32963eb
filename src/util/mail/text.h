#pragma once
// Small texts of mail: dates, status codes, xtext, wrapped paragraphs.

#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

// "Sat, 21 Nov 2026 10:56:53 +0000 (UTC)", local time zone.
std::string date(std::time_t time);
// "Sat Nov 21 10:56:53 2026": From_ lines and mailq.
std::string asctime(std::time_t time);

// Enhanced status codes: d.d.d with d of 1 to 3 digits, class 2, 4 or 5.
bool is_status_code(std::string_view text);
// "5.7.1 go away" -> code and text, blanks between removed; the default code when there is none at the front. With
// another class than the default's the class of the default wins (a `retry:` next hop is never 5.x.x).
struct CodeAndText {
  std::string code;
  std::string text;
};
CodeAndText split_status(std::string_view text, std::string_view default_code);

// RFC 3461 xtext; nothing for malformed text and for encoded NUL bytes.
std::string to_xtext(std::string_view plain);
std::optional<std::string> from_xtext(std::string_view encoded);

// Words in lines of at most `width`, the first indented by `first`, the others by `rest` blanks; a longer word stands
// alone. As bounce notices wrap their text.
std::vector<std::string> wrap(std::string_view text, std::size_t width, std::size_t first, std::size_t rest);

}  // namespace mail
