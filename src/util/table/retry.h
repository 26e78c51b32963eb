#pragma once
// Inside the library: a table that could not be opened is tried again, now and then: what was wrong with it may have
// been a moment's trouble, such as a file that was just being written.

#include <string>

#include "io/wait.h"
#include "table/open.h"

namespace table {

class Retry {
 public:
  Retry(std::string name, const Settings& settings, const Options& options = {});
  // Tries, at most once a second. Only the types with an index file: others are read once, when a process starts.
  bool can_be_opened();

 private:
  std::string name_;
  Settings settings_;
  Options options_;
  bool has_index_;
  io::Clock::time_point next_;
};

}  // namespace table
