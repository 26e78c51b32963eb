#pragma once
// Keys from standard input: one a line.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace postmap {

class KeyLines {
 public:
  explicit KeyLines(int fd) : fd_(fd) {}

  // The next line without its newline, up to a NUL byte if there is one; valid until the next call. Throws base::Fatal
  // on a read error and on a line that no table could have as a key.
  std::optional<std::string_view> next();

 private:
  int fd_;
  std::string buffer_;
  std::size_t begin_ = 0;
  bool at_end_ = false;
};

}  // namespace postmap
