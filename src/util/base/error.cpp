#include "base/error.h"

#include <cerrno>
#include <cstring>

namespace base {

std::string with_errno(std::string_view what, int error_number) {
  char buffer[128];
  return std::string(what) + ": " + strerror_r(error_number, buffer, sizeof buffer);
}

Error errno_error(std::string_view what) {
  return {with_errno(what, errno)};
}

}  // namespace base
