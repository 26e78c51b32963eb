#pragma once
// A log file as its writers see it: several processes append to it, and none may leave the others' lines in pieces.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"

namespace logging {

// One call, so that lines of several processes do not mix.
void write_line(int fd, std::string_view line);

class AppendedFile {
 public:
  AppendedFile() = default;  // none

  // An empty one with errno set: it cannot be opened. "/dev/stdout" is standard output. ELOOP: it is a symbolic link
  // that others than root (or, for who is not root, oneself) may have made; EMLINK: it has several names.
  static AppendedFile open(const std::string& path);
  static AppendedFile open_or_make(const std::string& path, mode_t mode);

  explicit operator bool() const { return static_cast<bool>(writing_); }
  int fd() const { return writing_.get(); }
  base::Fd take() && { return std::move(writing_); }

  void append(std::string_view line);

  // A process that was killed in the middle of a write has left the beginning of a line: it becomes a line of its own.
  // Only for who may read the file by its name; nobody keeps a way to read it.
  void end_half_line();

 private:
  AppendedFile(std::string path, base::Fd writing) : path_(std::move(path)), writing_(std::move(writing)) {}

  std::string path_;
  base::Fd writing_;
};

}  // namespace logging
