#include "smtpd/command_line.h"

#include <cctype>

#include "base/text.h"

namespace smtpd {

void Nesting::take(char c) {
  if (escaped_) {
    escaped_ = false;
  } else if (c == '\\') {
    escaped_ = true;
  } else if (c == '"') {
    quoted_ = !quoted_;
  } else if (!quoted_ && c == '<') {
    ++brackets_;
  } else if (!quoted_ && c == '>' && brackets_ > 0) {
    --brackets_;
  }
}

namespace {

bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\v' || c == '\f' || c == '\r';
}

// To the end of a word: blanks in quotes and in angle brackets belong to it, and what a backslash is before.
std::size_t word_end(std::string_view text) {
  Nesting nesting;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (is_space(text[i]) && !nesting.is_open() && !nesting.is_escaped()) return i;
    nesting.take(text[i]);
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
