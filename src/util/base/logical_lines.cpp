#include "base/logical_lines.h"

#include <unistd.h>

#include <cerrno>

#include "base/text.h"

namespace base {

namespace {
constexpr std::size_t kChunk = 128 * 1024;
}

LogicalLineReader::LogicalLineReader(int fd, std::string name, LineLimits limits)
    : fd_(fd), name_(std::move(name)), limits_(limits) {}

LogicalLineReader::LogicalLineReader(std::string_view text, std::string name, LineLimits limits)
    : name_(std::move(name)), limits_(limits), unread_(text), end_(true) {}

Error LogicalLineReader::error_at(int line, std::string_view text) const {
  return {name_ + ", line " + std::to_string(line) + ": " + std::string(text)};
}

// Makes unread_ longer; false at the end of the file or on an error (then read_errno_ is set).
bool LogicalLineReader::fill() {
  if (end_) return false;
  const std::size_t kept = unread_.size();
  if (kept > 0 && unread_.data() != buffer_.data())
    buffer_.erase(0, static_cast<std::size_t>(unread_.data() - buffer_.data()));
  buffer_.resize(kept + kChunk);
  ssize_t got = 0;
  do {
    got = ::read(fd_, buffer_.data() + kept, kChunk);
  } while (got < 0 && errno == EINTR);
  if (got <= 0) {
    if (got < 0) read_errno_ = errno;
    end_ = true;
    got = 0;
  }
  buffer_.resize(kept + static_cast<std::size_t>(got));
  unread_ = buffer_;
  return got > 0;
}

// Without its newline, valid until the next call.
std::expected<std::optional<std::string_view>, Error> LogicalLineReader::physical_line() {
  std::size_t searched = 0;
  while (true) {
    const auto newline = unread_.find('\n', searched);
    searched = unread_.size();
    const bool complete = newline != std::string_view::npos;
    if (!complete && unread_.size() <= limits_.logical_line && fill()) continue;
    if (read_errno_ != 0) return std::unexpected(Error{with_errno("read " + name_, read_errno_)});
    if (!complete && unread_.empty()) return std::nullopt;
    const std::string_view line = unread_.substr(0, complete ? newline : unread_.size());
    ++line_;
    if (line.size() > limits_.logical_line) {
      return std::unexpected(
          error_at(line_, "the line is longer than " + std::to_string(limits_.logical_line) + " bytes"));
    }
    if (line.contains('\0'))
      return std::unexpected(error_at(line_, "the line contains a NUL byte; this is not a text file"));
    unread_.remove_prefix(complete ? newline + 1 : unread_.size());
    return line;
  }
}

std::expected<std::optional<LogicalLine>, Error> LogicalLineReader::next() {
  std::optional<LogicalLine> logical;
  if (held_) {
    logical = LogicalLine{std::move(*held_), line_, line_};
    held_.reset();
  }
  while (true) {
    auto line = physical_line();
    if (!line) return std::unexpected(line.error());
    if (!*line) return logical;
    const std::string_view text = **line;
    const std::string_view body = trim_left(text);
    if (body.empty() || body.front() == '#') continue;
    if (!is_blank(text.front())) {
      if (logical) {
        held_ = std::string(text);
        return logical;
      }
      logical = LogicalLine{std::string(text), line_, line_};
      continue;
    }
    if (!logical) {
      if (on_orphan) on_orphan(line_);
      logical = LogicalLine{std::string(text), line_, line_};
      continue;
    }
    if (logical->text.size() + text.size() > limits_.logical_line) {
      return std::unexpected(error_at(logical->first_line, "the line and its continuation lines are longer than " +
                                                               std::to_string(limits_.logical_line) + " bytes"));
    }
    logical->text.append(text);
    logical->last_line = line_;
  }
}

}  // namespace base
