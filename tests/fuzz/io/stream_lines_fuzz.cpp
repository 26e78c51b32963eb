// The lines that a stream makes of its input are those of the plainest possible splitter, whatever the buffer's size,
// the limit, and the pieces that the input comes in. The first three bytes choose these.

#include <sys/socket.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "io/socket.h"
#include "io/stream.h"

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

// As Stream::read_line; the text "too long" or "closed" with an asterisk in place of the flag ends it.
std::string expected_line(std::string_view& input, std::size_t most) {
  const std::size_t newline = input.find('\n');
  std::string_view line = input.substr(0, newline);
  const bool crlf = line.ends_with('\r');
  if (crlf) line.remove_suffix(1);
  if (line.size() > most) return "too long*";
  if (newline == std::string_view::npos) return "closed*";
  input.remove_prefix(newline + 1);
  return std::string(line) + (crlf ? "+" : "-");
}

std::string actual_line(io::Stream& stream, std::size_t most) {
  try {
    const io::Stream::Line line = stream.read_line(most);
    return line.text + (line.crlf ? "+" : "-");
  } catch (const io::StreamError& error) {
    return error.kind() == io::StreamError::Kind::too_long ? "too long*" : "closed*";
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMostInput = 20000;
  if (size < 3 || size > kMostInput) return 0;
  const std::size_t most = data[1] % 40U;
  // Each piece takes hundreds of bytes of the socket's room, however small it is.
  const std::size_t piece = std::max(data[2] + std::size_t{1}, size / 200 + 1);
  std::string_view input(reinterpret_cast<const char*>(data) + 3, size - 3);
  std::string_view unsent = input;
  io::Pair pair = io::socket_pair();
  io::Stream stream(std::move(pair.first), data[0] % 64U);
  stream.set_deadline(io::Deadline::after(std::chrono::seconds(10)));
  while (true) {
    // A piece more, until there is a line to read or nothing is left.
    while (!unsent.empty() && input.substr(0, input.size() - unsent.size()).find('\n') == std::string_view::npos) {
      const std::size_t length = std::min(piece, unsent.size());
      require(::send(pair.second.get(), unsent.data(), length, MSG_NOSIGNAL) == static_cast<ssize_t>(length));
      unsent.remove_prefix(length);
    }
    if (unsent.empty()) pair.second.reset();
    const std::string expected = expected_line(input, most);
    require(actual_line(stream, most) == expected);
    if (expected.ends_with('*')) return 0;
  }
}
