// However the bytes in the pipe are cut into writes, the reader gives the lines that they are.

#include <fcntl.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "logging/line_pipe.h"

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const std::size_t size = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, size));
    text.remove_prefix(std::min(size + 1, text.size()));
  }
  return lines;
}

}  // namespace

// The first byte is the size of the writes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2 || size > 32 * 1024) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t step = data[0] + std::size_t{1};
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return 0;
  const base::Fd out(ends[0]);
  base::Fd in(ends[1]);
  logging::PipeReader reader(out.get());
  std::vector<std::string> lines;
  const auto add = [&](std::string_view line) { lines.emplace_back(line); };
  for (std::string_view left = text; !left.empty(); left.remove_prefix(std::min(step, left.size()))) {
    const auto part = left.substr(0, step);
    if (::write(in.get(), part.data(), part.size()) != static_cast<ssize_t>(part.size())) std::abort();
    if (part.front() % 3 != 0) (void)reader.take(add, [] {});
    if (part.back() % 5 == 0) reader.take_all(add, [] {});
  }
  in.reset();
  while (reader.take(add, [] {}) == logging::PipeReader::Taken::something) {
  }
  reader.give_up_rest(add);
  if (lines != lines_of(text)) std::abort();
  return 0;
}
