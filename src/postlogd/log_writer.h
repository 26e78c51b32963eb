#pragma once
// Lines in the log file, several a write.

#include <string>
#include <string_view>

#include "base/fd.h"

namespace postlogd {

class LogWriter {
 public:
  explicit LogWriter(base::Fd fd) : fd_(std::move(fd)) {}

  void append(std::string_view line);  // goes out with flush(), or when much has gathered
  void flush();
  int fd() const { return fd_.get(); }

 private:
  bool write(std::string_view text);

  base::Fd fd_;
  std::string gathered_;
  long gathered_lines_ = 0;
  long lost_ = 0;  // lines that found no room; told once there is some again
};

}  // namespace postlogd
