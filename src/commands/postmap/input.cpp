#include "postmap/input.h"

#include <unistd.h>

#include <cerrno>

#include "base/error.h"

namespace postmap {

namespace {
constexpr std::size_t kChunk = 64UL * 1024;
constexpr std::size_t kLongestLine = 16UL * 1024 * 1024;
}  // namespace

std::optional<std::string_view> KeyLines::next() {
  std::size_t searched = begin_;
  while (true) {
    const auto newline = buffer_.find('\n', searched);
    if (newline != std::string::npos || (at_end_ && begin_ < buffer_.size())) {
      const std::size_t end = std::min(newline, buffer_.size());
      const std::string_view line = std::string_view(buffer_).substr(begin_, end - begin_);
      begin_ = std::min(end + 1, buffer_.size());
      return line.substr(0, line.find('\0'));
    }
    if (at_end_) return std::nullopt;
    if (buffer_.size() - begin_ > kLongestLine) {
      throw base::Fatal(fmt::format("stdin: a line is longer than {} bytes", kLongestLine));
    }
    buffer_.erase(0, begin_);
    begin_ = 0;
    searched = buffer_.size();
    buffer_.resize(searched + kChunk);
    ssize_t got = 0;
    do {
      got = ::read(fd_, buffer_.data() + searched, kChunk);
    } while (got < 0 && errno == EINTR);
    if (got < 0) throw base::Fatal(base::with_errno("read stdin", errno));
    buffer_.resize(searched + static_cast<std::size_t>(got));
    at_end_ = got == 0;
  }
}

}  // namespace postmap
