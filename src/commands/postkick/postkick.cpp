#include "postkick/postkick.h"

#include <fcntl.h>
#include <linux/sockios.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/fd.h"
#include "base/text.h"
#include "command/command.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"

namespace postkick {

namespace {

namespace param = config::param;
using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

constexpr std::string_view kUsage = "usage: postkick [-c config_dir] [-v] class service request";

std::unexpected<base::Error> failed(std::string_view what, const std::string& path) {
  return std::unexpected(base::Error{base::with_errno(fmt::format("{} {}", what, path), errno)});
}

int milliseconds_until(Clock::time_point end) {
  const auto left = std::chrono::ceil<milliseconds>(end - Clock::now());
  return static_cast<int>(std::max(left, milliseconds(0)).count());
}

std::expected<base::Fd, base::Error> connect_to(const std::string& path, Clock::time_point end) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return failed("connect to", path);
  }
  path.copy(address.sun_path, path.size());
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed("connect to", path);
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    // Its queue of clients is full, and nothing tells when it no longer is.
    if (errno != EAGAIN && errno != EINTR) return failed("connect to", path);
    if (Clock::now() >= end) {
      errno = ETIMEDOUT;
      return failed("connect to", path);
    }
    ::poll(nullptr, 0, 10);
  }
  return fd;
}

std::expected<base::Fd, base::Error> open_fifo(const std::string& path) {
  base::Fd fd(::open(path.c_str(), O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return failed("open", path);
  return fd;
}

std::expected<void, base::Error> write_all(int fd, std::string_view bytes, const std::string& path,
                                           Clock::time_point end) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written > 0) {
      bytes.remove_prefix(static_cast<std::size_t>(written));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return failed("write to", path);
    struct pollfd asked{fd, POLLOUT, 0};
    if (::poll(&asked, 1, milliseconds_until(end)) <= 0) {
      errno = ETIMEDOUT;
      return failed("write to", path);
    }
  }
  return {};
}

// The service has read all of it, or closed: what it does then is its business.
void wait_until_taken(int fd, Clock::time_point end) {
  while (Clock::now() < end) {
    int unread = 0;
    if (::ioctl(fd, SIOCOUTQ, &unread) == 0 && unread == 0) return;
    struct pollfd asked{fd, POLLIN, 0};
    if (::poll(&asked, 1, std::min(10, milliseconds_until(end))) > 0) return;
  }
}

}  // namespace

std::expected<void, base::Error> kick(const std::string& path, std::string_view request, std::chrono::seconds longest) {
  const auto end = Clock::now() + longest;
  struct stat state{};
  if (::lstat(path.c_str(), &state) != 0) return failed("unable to look up", path);
  const bool is_fifo = S_ISFIFO(state.st_mode);
  auto fd = is_fifo ? open_fifo(path) : connect_to(path, end);
  if (!fd) return std::unexpected(fd.error());
  if (const auto written = write_all(fd->get(), request, path, end); !written) return written;
  // The byte that ends it may come to a service that has read what it wanted, and left.
  (void)write_all(fd->get(), std::string_view("\0", 1), path, end);
  if (!is_fifo) wait_until_taken(fd->get(), end);
  return {};
}

int run(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:v", kUsage);
  if (line.operands.size() != 3) throw base::Fatal(std::string(kUsage));
  int verbosity = ::getenv("MAIL_VERBOSE") != nullptr ? 1 : 0;
  for (const auto& option : line.options) verbosity += option.letter == 'v' ? 1 : 0;
  logging::set_verbosity(verbosity);

  const auto config = config::Config::load(
      {.directory = config::choose_directory(line.last('c').value_or("")), .process_name = "postkick"});
  if (!config) throw base::Fatal(config.error().text);
  config->import_environment();
  const std::string& queue = (*config)[param::queue_directory];
  if (::chdir(queue.c_str()) != 0) throw base::Fatal(base::with_errno("chdir " + queue, errno));

  const std::string& endpoint_class = line.operands[0];
  const std::string& service = line.operands[1];
  const std::string path = fmt::format("{}/{}", endpoint_class, service);
  logging::debug("postkick.send", "to {path}: {request}", {{"path", path}, {"request", line.operands[2]}});
  const auto done = kick(path, line.operands[2], (*config)[param::application_event_drain_time]);
  if (done) return 0;
  logging::warning("postkick.failed", "{reason}", {{"reason", done.error().text}});
  logging::warning("postkick.cannot_contact",
                   "Cannot contact class {class} service {service} - perhaps the mail system is down",
                   {{"class", endpoint_class}, {"service", service}});
  return 1;
}

}  // namespace postkick
