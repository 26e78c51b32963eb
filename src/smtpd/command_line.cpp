#include "smtpd/command_line.h"

#include <cctype>

#include "base/text.h"

namespace smtpd {

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

// To the end of a word: blanks in quotes and in angle brackets belong to it.
std::size_t word_end(std::string_view text) {
  bool quoted = false;
  int brackets = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      ++i;
    } else if (c == '"') {
      quoted = !quoted;
    } else if (!quoted && c == '<') {
      ++brackets;
    } else if (!quoted && c == '>' && brackets > 0) {
      --brackets;
    } else if (!quoted && brackets == 0 && is_space(c)) {
      return i;
    }
  }
  return text.size();
}

std::string_view skip_blanks(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace

CommandLine::CommandLine(std::string line) : text(std::move(line)) {
  std::string_view left = skip_blanks(text);
  const std::size_t end = word_end(left);
  for (const char c : left.substr(0, end)) verb += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
  left = skip_blanks(left.substr(end));
  rest = base::trim_right(left);
  for (left = rest; !left.empty(); left = skip_blanks(left)) {
    const std::size_t size = word_end(left);
    words.push_back(left.substr(0, size));
    left.remove_prefix(size);
  }
}

}  // namespace smtpd
