#include "table/source_files.h"

#include "base/file.h"
#include "base/text.h"

namespace table {

namespace {

constexpr std::size_t kLargestFile = 64UL * 1024 * 1024;
constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

std::string to_base64(std::string_view bytes) {
  std::string text;
  text.reserve((bytes.size() + 2) / 3 * 4);
  for (; !bytes.empty(); bytes.remove_prefix(std::min<std::size_t>(3, bytes.size()))) {
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      group = group << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    for (std::size_t i = 0; i < 4; ++i) {
      text.push_back(i <= bytes.size() ? kAlphabet[group >> (18 - 6 * i) & 63U] : '=');
    }
  }
  return text;
}

}  // namespace

std::expected<std::string, base::Error> encode_files(std::string_view list) {
  std::string content;
  bool first = true;
  for (const std::string_view name : base::split(list)) {
    auto file = base::read_file(std::string(name), kLargestFile);
    if (!file) return std::unexpected(file.error());
    if (!first) content.push_back('\n');
    first = false;
    content.append(*file);
  }
  if (first) return std::unexpected(base::Error{fmt::format("empty pathname list: >>{}<<'", list)});
  return to_base64(content);
}

std::optional<std::string> decode_files(std::string_view value) {
  if (value.size() % 4 != 0) return std::nullopt;
  std::string bytes;
  bytes.reserve(value.size() / 4 * 3);
  for (; !value.empty(); value.remove_prefix(4)) {
    std::size_t digits = 4;
    while (value.size() == 4 && digits > 2 && value[digits - 1] == '=') --digits;
    std::uint32_t group = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      const auto digit = i < digits ? kAlphabet.find(value[i]) : 0;
      if (digit == std::string_view::npos) return std::nullopt;
      group = group << 6U | static_cast<std::uint32_t>(digit);
    }
    for (std::size_t i = 0; i + 1 < digits; ++i) bytes.push_back(static_cast<char>(group >> (16 - 8 * i) & 255U));
  }
  return bytes;
}

}  // namespace table
