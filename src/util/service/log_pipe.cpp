#include "service/log_pipe.h"

#include <fcntl.h>

#include <cstdlib>
#include <limits>
#include <string>

#include "base/text.h"
#include "logging/line_pipe.h"
#include "service/master_link.h"

namespace service {

int take_log_pipe(const char* variable, int access_mode) {
  const char* value = std::getenv(variable);
  if (value == nullptr) return -1;
  const auto number = base::to_long(value);
  ::unsetenv(variable);
  // Numbers below are known to be something else.
  if (!number || *number < kFirstListen || *number > std::numeric_limits<int>::max()) return -1;
  const int fd = static_cast<int>(*number);
  if (!logging::is_pipe_end(fd, access_mode)) return -1;
  const int flags = ::fcntl(fd, F_GETFL);
  if ((flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  return fd;
}

}  // namespace service
