#include "config/mail_origin.h"

#include "base/file.h"
#include "base/text.h"

namespace config {

namespace {

constexpr std::size_t kLongestFile = std::size_t{64} * 1024;

base::Error unusable(std::string_view what) {
  return base::Error{fmt::format("must be one domain name, or a file with one: {}", what)};
}

std::expected<std::string, base::Error> first_line(const std::string& path) {
  const auto content = base::read_file(path, kLongestFile);
  if (!content) return std::unexpected(unusable(content.error().text));
  const std::string line(base::trim(std::string_view(*content).substr(0, content->find('\n'))));
  if (line.empty()) return std::unexpected(unusable(path + " has none in its first line"));
  if (line.contains('\0')) return std::unexpected(unusable(path + " has a NUL byte"));
  return line;
}

}  // namespace

std::expected<std::string, base::Error> mail_origin(const std::string& value) {
  const bool is_file = value.starts_with('/');
  auto name = is_file ? first_line(value) : value;
  if (name && name->find_first_of(", \t\r\n") != std::string::npos) {
    return std::unexpected(
        unusable(fmt::format("\"{}\"{} is several", base::printable(*name), is_file ? " in " + value : "")));
  }
  return name;
}

}  // namespace config
