#include "ipc/trigger.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/fd.h"
#include "io/socket.h"
#include "io/stream.h"

namespace ipc {

namespace {

// A FIFO, as old releases had them: without a reader the open fails.
std::expected<base::Fd, base::Error> open_fifo(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd) return std::unexpected(base::errno_error("connect to " + path));
  return fd;
}

std::expected<base::Fd, base::Error> open_target(const std::string& path, io::Deadline deadline) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0 && S_ISFIFO(status.st_mode)) return open_fifo(path);
  return io::connect({io::Endpoint::Type::unix_stream, {}, {}, path}, deadline);
}

}  // namespace

std::expected<void, base::Error> send_trigger(const std::string& path, std::string_view requests,
                                              io::Deadline deadline) {
  auto fd = open_target(path, deadline);
  if (!fd) return std::unexpected(fd.error());
  try {
    io::Stream stream(std::move(*fd));
    stream.set_deadline(deadline);
    std::string bytes(requests);
    bytes += '\0';
    stream.write(bytes);
    stream.flush();
  } catch (const io::StreamError& error) {
    return std::unexpected(base::Error{fmt::format("connect to {}: {}", path, error.what())});
  }
  return {};
}

}  // namespace ipc
