#include "io/netstring.h"

#include "base/text.h"

namespace io {

namespace {
constexpr std::size_t kMostDigits = 9;
}

std::string netstring(std::string_view payload) {
  return fmt::format("{}:{},", payload.size(), payload);
}

std::expected<std::string, std::string> read_netstring(Stream& stream, std::size_t most) {
  const std::string format_error = "input format error";
  std::size_t size = 0;
  for (std::size_t digits = 0;; ++digits) {
    const std::string next = stream.read_exactly(1);
    if (next == ":" && digits > 0) break;
    if (!base::is_digit(next.front())) return std::unexpected(format_error);
    if (digits == kMostDigits) return std::unexpected("input exceeds size limit");
    size = size * 10 + static_cast<std::size_t>(next.front() - '0');
  }
  if (size > most) return std::unexpected("input exceeds size limit");
  std::string payload = stream.read_exactly(size);
  if (stream.read_exactly(1) != ",") return std::unexpected(format_error);
  return payload;
}

}  // namespace io
