#pragma once
// The pipe by which the lines of daemons reach postlogd. A line of at most PIPE_BUF bytes is written with one write(2),
// which does not mix with those of others, and stays in the pipe whatever becomes of its writer; a reader that ends
// leaves what it has not stored to the next one.

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "logging/log.h"

namespace logging {

// A longer line does not go this way, and of one that comes without end no more is kept.
constexpr std::size_t kLongestPipedLine = 64 * 1024;

// What a busy postlogd is given before a line goes another way.
constexpr auto kMoment = std::chrono::milliseconds(200);

// The end of a pipe with this number that allows O_RDONLY or O_WRONLY. Anything else is nothing of ours.
bool is_pipe_end(int fd, int access_mode);

// One line of the log file, without its newline, of what someone has sent: control bytes and what is no UTF-8 are
// masked. In a file of JSON objects, text that is none becomes the text of one.
std::string line_of(std::string_view sent, Form form, const Identity& identity);

class PipeWriter {
 public:
  explicit PipeWriter(int fd) : fd_(fd) {}  // non-blocking; not owned; -1 for none. The process ignores SIGPIPE

  // The line with its newline. False: it has to go another way. For room in a full pipe a moment is waited, but not
  // again before there has been some.
  bool put(std::string_view line);

 private:
  int fd_;
  bool stalled_ = false;
};

class PipeReader {
 public:
  explicit PipeReader(int fd);  // non-blocking; not owned

  // `line` is called for each of the lines that are there now, 64 KiB at most, then `store`; only then are they taken
  // out of the pipe, so that a process that is killed takes none of them with it. There is one reader at a time.
  enum class Taken { something, nothing, end };  // end: nothing, and no one is left who could write
  using Line = std::function<void(std::string_view)>;
  Taken take(const Line& line, const std::function<void()>& store);

  // All that is in it at the moment, in several steps; what others add meanwhile may be among it, but not for ever.
  void take_all(const Line& line, const std::function<void()>& store);

  // The beginning of a line whose rest has not come. For a reader that leaves.
  void give_up_rest(const Line& line);

 private:
  std::string_view look();
  void remove(std::size_t size);
  void keep_rest(std::string_view part, const Line& line);

  int fd_;
  base::Fd copy_in_;
  base::Fd copy_out_;
  std::vector<char> space_;
  std::string rest_;
  bool skips_ = false;  // the rest of a line that was too long
  bool at_end_ = false;
  std::size_t taken_ = 0;  // bytes, in all
};

}  // namespace logging
