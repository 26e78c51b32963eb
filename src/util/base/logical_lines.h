#pragma once
// The line form that main.cf, master.cf and all text tables share: a logical line is a line and the lines after it that
// begin with a blank; comment lines (# as the first non-blank character) and blank lines are skipped, also in the
// middle of one.

#include <cstddef>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace base {

struct LogicalLine {
  std::string
      text;  // physical lines joined as they are, without their newlines; the blanks that begin a continuation stay
  int first_line = 0;
  int last_line = 0;
};

struct LineLimits {
  std::size_t logical_line;  // bytes; a longer one is an error that names the line, and memory stays bounded by it
};
constexpr LineLimits kConfigLineLimits{256 * 1024};
constexpr LineLimits kTableLineLimits{8 * 1024 * 1024};

class LogicalLineReader {
 public:
  // Reads from fd, which must outlive the reader, in chunks. `name` stands in error texts.
  LogicalLineReader(int fd, std::string name, LineLimits limits);
  // Reads from text, which must outlive the reader.
  LogicalLineReader(std::string_view text, std::string name, LineLimits limits);

  // The next line, nothing at the end. Errors: a read error, a NUL byte, a line over the limit; each names file and
  // line. A continuation line with nothing before it is reported to `on_orphan` and begins a logical line of its own.
  std::expected<std::optional<LogicalLine>, Error> next();

  const std::string& name() const { return name_; }

  // Called with the line number of a continuation line that has nothing before it; by default nothing happens.
  std::function<void(int line)> on_orphan;

 private:
  std::expected<std::optional<std::string_view>, Error> physical_line();
  bool fill();
  Error error_at(int line, std::string_view text) const;

  int fd_ = -1;
  std::string name_;
  LineLimits limits_;
  std::string buffer_;       // only when reading from fd_
  std::string_view unread_;  // into buffer_, or into the caller's text
  bool end_ = false;
  int read_errno_ = 0;
  int line_ = 0;                     // of the last physical line given out
  std::optional<std::string> held_;  // a physical line read ahead
};

}  // namespace base
