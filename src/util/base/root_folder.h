#pragma once
// The root folder as a process had it at some time: whether chroot(2) has put another in its place, so that the names
// of files mean something else, or nothing.

#include <sys/stat.h>

#include <utility>

namespace base {

class RootFolder {
 public:
  RootFolder() : seen_(look()) {}
  bool has_moved() const { return look() != seen_; }

 private:
  static std::pair<dev_t, ino_t> look() {
    struct stat status{};
    return ::stat("/", &status) == 0 ? std::pair{status.st_dev, status.st_ino} : std::pair{dev_t{}, ino_t{}};
  }
  std::pair<dev_t, ino_t> seen_;
};

}  // namespace base
