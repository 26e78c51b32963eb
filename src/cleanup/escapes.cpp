#include "cleanup/escapes.h"

namespace cleanup {

std::expected<std::string, base::Error> unescaped(std::string_view text) {
  constexpr std::string_view kLetters = "abfnrtv\\";
  constexpr std::string_view kBytes = "\a\b\f\n\r\t\v\\";
  std::string bytes;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      bytes += text[i];
      continue;
    }
    if (++i == text.size()) return std::unexpected(base::Error{"a backslash ends the value"});
    if (const std::size_t letter = kLetters.find(text[i]); letter != std::string_view::npos) {
      bytes += kBytes[letter];
      continue;
    }
    int number = 0;
    std::size_t digits = 0;
    for (; digits < 3 && i + digits < text.size() && text[i + digits] >= '0' && text[i + digits] <= '7'; ++digits)
      number = number * 8 + (text[i + digits] - '0');
    if (digits == 0 || number > 255)
      return std::unexpected(base::Error{"\"\\" + std::string(text.substr(i, 3)) + "\" stands for no character"});
    bytes += static_cast<char>(static_cast<unsigned char>(number));
    i += digits - 1;
  }
  return bytes;
}

}  // namespace cleanup
