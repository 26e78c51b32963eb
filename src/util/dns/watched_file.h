#pragma once
// Inside the library: a small file of the system that is read again when it has changed. Looks at most once a second.

#include <sys/stat.h>

#include <optional>
#include <string>

#include "io/wait.h"

namespace dns {

class WatchedFile {
 public:
  explicit WatchedFile(std::string path, std::size_t most_bytes) : path_(std::move(path)), most_bytes_(most_bytes) {}

  // The content, when it is not what it was at the last call (or at the first one). Nothing also when the file cannot
  // be read: what was known of it holds on, as behind a chroot that has no copy.
  std::optional<std::string> changed_content();

  const std::string& path() const { return path_; }

 private:
  struct Stamp {
    dev_t device = 0;
    ino_t inode = 0;
    off_t size = -1;
    timespec modified{};
    timespec changed{};
    bool operator==(const Stamp& other) const;
  };
  std::string path_;
  std::size_t most_bytes_;
  Stamp stamp_;
  io::Clock::time_point next_look_{};
};

}  // namespace dns
