#include "base/links.h"

#include <sys/stat.h>

namespace base {

bool is_roots_link(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string directory = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  struct stat link{};
  struct stat around{};
  return ::lstat(path.c_str(), &link) == 0 && S_ISLNK(link.st_mode) && link.st_uid == 0 &&
         ::stat(directory.c_str(), &around) == 0 && around.st_uid == 0 && (around.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

}  // namespace base
