#include "logging/line_pipe.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <climits>

#include "base/text.h"
#include "logging/record.h"

namespace logging {

bool is_pipe_end(int fd, int access_mode) {
  struct stat state{};
  const int flags = ::fcntl(fd, F_GETFL);
  return flags >= 0 && (flags & O_ACCMODE) == access_mode && ::fstat(fd, &state) == 0 && S_ISFIFO(state.st_mode);
}

std::string line_of(std::string_view sent, Form form, const Identity& identity) {
  while (sent.ends_with('\n') || sent.ends_with('\0')) sent.remove_suffix(1);
  std::string line = std::ranges::all_of(sent, base::is_printable) ? std::string(sent) : base::printable(sent);
  if (form == Form::text || line.starts_with('{')) return line;
  return as_json({Level::info, "postlogd.text", std::move(line), {}}, identity);
}

// --- writing -----------------------------------------------------------------------------------------------------

bool PipeWriter::put(std::string_view line) {
  if (fd_ < 0 || line.size() > PIPE_BUF) return false;
  const bool is_patient = !stalled_;
  const auto end = std::chrono::steady_clock::now() + kMoment;
  while (true) {
    if (::write(fd_, line.data(), line.size()) >= 0) {
      stalled_ = false;
      return true;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) {
      fd_ = -1;  // master and postlogd are gone, and no one else will ever read it
      return false;
    }
    if (!is_patient) return false;
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    struct pollfd room{fd_, POLLOUT, 0};
    stalled_ = left.count() <= 0;
    if (stalled_) return false;
    (void)::poll(&room, 1, static_cast<int>(left.count()));
  }
}

// --- reading -----------------------------------------------------------------------------------------------------

PipeReader::PipeReader(int fd) : fd_(fd), space_(kLongestPipedLine) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) return;
  copy_out_.reset(ends[0]);
  copy_in_.reset(ends[1]);
}

// What stands at the head of the pipe, and stays there. Where there is no such thing as a look, it is taken out.
std::string_view PipeReader::look() {
  ssize_t size = -1;
  do {
    size = copy_in_ ? ::tee(fd_, copy_in_.get(), space_.size(), SPLICE_F_NONBLOCK)
                    : ::read(fd_, space_.data(), space_.size());
  } while (size < 0 && errno == EINTR);
  if (size < 0 && copy_in_ && errno != EAGAIN) {
    copy_in_.reset();
    return look();
  }
  at_end_ = size == 0;
  if (size <= 0) return {};
  if (copy_in_) {
    // Shared pages: this is the only time that bytes are copied.
    const ssize_t copied = ::read(copy_out_.get(), space_.data(), static_cast<std::size_t>(size));
    if (copied != size) {
      copy_in_.reset();
      return look();
    }
  }
  return {space_.data(), static_cast<std::size_t>(size)};
}

void PipeReader::remove(std::size_t size) {
  taken_ += size;
  while (copy_in_ && size > 0) {
    const ssize_t removed = ::read(fd_, space_.data(), std::min(size, space_.size()));
    if (removed < 0 && errno == EINTR) continue;
    if (removed <= 0) return;
    size -= static_cast<std::size_t>(removed);
  }
}

// No writer of ours leaves half a line. One who does is not waited for by those who come after.
void PipeReader::keep_rest(std::string_view part, const Line& line) {
  if (skips_) return;
  rest_ += part.substr(0, kLongestPipedLine - rest_.size());
  if (rest_.size() < kLongestPipedLine) return;
  line(rest_);
  rest_.clear();
  skips_ = true;
}

PipeReader::Taken PipeReader::take(const Line& line, const std::function<void()>& store) {
  const std::string_view all = look();
  if (all.empty()) return at_end_ ? Taken::end : Taken::nothing;
  const std::size_t newline = all.rfind('\n');
  if (newline == std::string_view::npos) {
    keep_rest(all, line);
    store();
    remove(all.size());
    return Taken::something;
  }
  const std::size_t whole = newline + 1;
  for (std::string_view left = all.substr(0, whole); !left.empty();) {
    const std::size_t size = left.find('\n');
    if (std::exchange(skips_, false)) {
      // It has been told of already.
    } else if (!rest_.empty()) {
      rest_ += left.substr(0, std::min(size, kLongestPipedLine - rest_.size()));
      line(rest_);
      rest_.clear();
    } else {
      line(left.substr(0, size));
    }
    left.remove_prefix(size + 1);
  }
  // A line that begins here stays in the pipe, where it is safe; unless there is no such thing.
  if (!copy_in_ && whole < all.size()) keep_rest(all.substr(whole), line);
  store();
  remove(whole);
  return Taken::something;
}

void PipeReader::take_all(const Line& line, const std::function<void()>& store) {
  int there = 0;
  if (::ioctl(fd_, FIONREAD, &there) != 0) return;
  const std::size_t end = taken_ + static_cast<std::size_t>(there);
  while (taken_ < end && take(line, store) == Taken::something) {
  }
}

void PipeReader::give_up_rest(const Line& line) {
  if (!rest_.empty()) line(rest_);
  rest_.clear();
}

}  // namespace logging
