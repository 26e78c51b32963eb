#pragma once
// From datagrams to lines in the log file: several lines a write, and nothing in them that is no text.

#include <string>
#include <string_view>

#include "base/fd.h"
#include "logging/log.h"

namespace postlogd {

// One line, without its newline: control bytes and what is no UTF-8 are masked. In a file of JSON objects, text that is
// none becomes the text of one.
std::string line_of(std::string_view datagram, logging::Form form, const logging::Identity& identity);

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
