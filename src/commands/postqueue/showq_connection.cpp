#include "postqueue/showq_connection.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "config/param.h"
#include "logging/log.h"

namespace postqueue {

namespace {

namespace param = config::param;

constexpr std::size_t kReadSize = 128 * 1024;

// Who has a name that begins like this gets details that Postfix's own postqueue would not understand. Any other showq
// does not notice.
void ask_for_details(int fd) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  const std::string name = fmt::format("postrider-queue-details/{}", ::getpid());
  name.copy(address.sun_path + 1, sizeof address.sun_path - 1);
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  (void)::bind(fd, reinterpret_cast<const sockaddr*>(&address), size);
}

// Invalid, with errno, when no one serves there.
base::Fd connect_to(const std::string& path, base::Seconds timeout) {
  base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return fd;
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) {
    errno = ENAMETOOLONG;
    return {};
  }
  path.copy(address.sun_path, path.size());
  const timeval patience{timeout.count(), 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ask_for_details(fd.get());
  while (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
    if (errno == EINTR) continue;
    const int reason = errno;
    fd.reset();
    errno = reason;
    break;
  }
  return fd;
}

// Root, and whoever the queue belongs to.
bool may_read_queue() {
  return ::access("active", R_OK | X_OK) == 0 && ::access("deferred", R_OK | X_OK) == 0;
}

}  // namespace

ShowqConnection::ShowqConnection(const config::Config& config, std::string_view service) {
  fd_ = connect_to(fmt::format("public/{}", service), config[param::ipc_timeout]);
  if (fd_) return;
  const std::string reason = base::with_errno("Connect to the Postfix showq service", errno);
  if (!may_read_queue()) throw base::Fatal(fmt::format("Queue report unavailable - mail system is down ({})", reason));
  logging::warning("postqueue.system_down", "Mail system is down -- accessing queue directly ({reason})",
                   {{"reason", reason}});
  start_showq(config);
}

ShowqConnection::~ShowqConnection() {
  fd_.reset();
  if (child_ > 0) {
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
}

void ShowqConnection::start_showq(const config::Config& config) {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    throw base::Fatal(base::with_errno("socketpair", errno));
  }
  fd_.reset(fds[0]);
  const base::Fd theirs(fds[1]);
  ::setenv("MAIL_CONFIG", config.directory().c_str(), 1);
  const std::string program = config[param::daemon_directory] + "/showq";
  std::array<std::string, 4> words = {"showq", "-u", "-S", "details"};
  std::array<char*, 5> arguments{};
  for (std::size_t i = 0; i < words.size(); ++i) arguments[i] = words[i].data();
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, theirs.get(), STDOUT_FILENO);
  const int problem = ::posix_spawn(&child_, program.c_str(), &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (problem != 0) {
    child_ = -1;
    throw base::Fatal(base::with_errno("run " + program, problem));
  }
}

std::string_view ShowqConnection::read() {
  buffer_.resize(kReadSize);
  while (true) {
    const ssize_t size = ::read(fd_.get(), buffer_.data(), buffer_.size());
    if (size >= 0) return std::string_view(buffer_).substr(0, static_cast<std::size_t>(size));
    if (errno == EAGAIN) throw base::Fatal("timeout while reading from the showq service");
    if (errno != EINTR) throw base::Fatal(base::with_errno("read from the showq service", errno));
  }
}

}  // namespace postqueue
