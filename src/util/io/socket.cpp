#include "io/socket.h"

#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/text.h"
#include "io/offload.h"
#include "io/scheduler.h"

namespace io {

namespace {

using base::Error;
using base::Fd;
using base::with_errno;

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, FreeAddresses>;

std::expected<Addresses, Error> look_up(const Endpoint& endpoint, int flags, std::string_view what) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  const char* host = endpoint.host.empty() ? nullptr : endpoint.host.c_str();
  addrinfo* list = nullptr;
  int saved_errno = 0;
  const auto ask = [&](int extra_flags) {
    hints.ai_flags = flags | extra_flags;
    const int result = ::getaddrinfo(host, endpoint.port.c_str(), &hints, &list);
    saved_errno = errno;
    return result;
  };
  // Numbers need no look-up, so nobody is asked and nothing blocks.
  int result = ask(AI_NUMERICHOST | AI_NUMERICSERV);
  if (result == EAI_NONAME) result = offload([&] { return ask(0); }, Pace::slow);
  if (result == 0) return Addresses(list);
  const std::string_view reason = result == EAI_SYSTEM ? std::strerror(saved_errno) : ::gai_strerror(result);
  return std::unexpected(Error{fmt::format("{}: look up {} port {}: {}", what, base::printable(endpoint.host),
                                           base::printable(endpoint.port), reason)});
}

std::string numeric(const addrinfo& address) {
  char host[NI_MAXHOST];
  if (::getnameinfo(address.ai_addr, address.ai_addrlen, host, sizeof host, nullptr, 0, NI_NUMERICHOST) != 0)
    return "?";
  return host;
}

bool set_option(int fd, int level, int option) {
  const int on = 1;
  return ::setsockopt(fd, level, option, &on, sizeof on) == 0;
}

Fd new_socket(int family, int protocol) {
  Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, protocol));
  if (fd) detail::fresh(fd.get());
  return fd;
}

// 0 or the reason.
int connect_one(int fd, const sockaddr* address, socklen_t length, Deadline deadline) {
  auto pause = std::chrono::milliseconds(1);
  while (::connect(fd, address, length) != 0) {
    if (errno == EINPROGRESS || errno == EINTR) {
      if (wait_writable_again(fd, deadline) == Wakeup::timed_out) return ETIMEDOUT;
      int problem = 0;
      socklen_t size = sizeof problem;
      return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &problem, &size) == 0 ? problem : errno;
    }
    if (errno == EISCONN) return 0;
    // A UNIX listener's queue is full, and nothing tells when it no longer is.
    if (errno != EAGAIN) return errno;
    if (deadline.passed()) return ETIMEDOUT;
    sleep_until(Deadline::after(pause).or_earlier(deadline));
    pause = std::min(pause * 2, std::chrono::milliseconds(100));
  }
  return 0;
}

std::expected<sockaddr_un, Error> unix_address(const std::string& path, std::string_view what) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    return std::unexpected(
        Error{fmt::format("{} {}: the path must have 1 to {} bytes", what, path, sizeof address.sun_path - 1)});
  }
  path.copy(address.sun_path, path.size());
  return address;
}

const sockaddr* generic(const sockaddr_un& address) {
  return reinterpret_cast<const sockaddr*>(&address);
}

std::expected<Fd, Error> connect_unix(const std::string& path, Deadline deadline) {
  auto address = unix_address(path, "connect to");
  if (!address) return std::unexpected(address.error());
  Fd fd = new_socket(AF_UNIX, 0);
  if (!fd) return std::unexpected(base::errno_error("connect to " + path));
  const int problem = connect_one(fd.get(), generic(*address), sizeof *address, deadline);
  if (problem != 0) {
    detail::closing(fd.get());
    return std::unexpected(Error{with_errno("connect to " + path, problem)});
  }
  return fd;
}

// An address that answers nothing may take its share of the time, but not that of the addresses after it.
Deadline share(Deadline deadline, long addresses) {
  if (deadline.time() == Clock::time_point::max()) return deadline;
  const Clock::time_point now = Clock::now();
  return Deadline::at(now + (deadline.time() - now) / addresses).or_earlier(deadline);
}

std::expected<Fd, Error> connect_inet(const Endpoint& endpoint, Deadline deadline) {
  const std::string what = "connect to " + base::printable(endpoint.host);
  auto addresses = look_up(endpoint, 0, what);
  if (!addresses) return std::unexpected(addresses.error());
  long left = 0;
  for (const addrinfo* each = addresses->get(); each != nullptr; each = each->ai_next) ++left;
  std::string reason;
  for (const addrinfo* each = addresses->get(); each != nullptr; each = each->ai_next, --left) {
    Fd fd = new_socket(each->ai_family, each->ai_protocol);
    int problem = fd ? 0 : errno;
    if (fd) {
      problem = connect_one(fd.get(), each->ai_addr, each->ai_addrlen, share(deadline, left));
      if (problem == 0) {
        set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY);
        return fd;
      }
      detail::closing(fd.get());
    }
    reason = with_errno(fmt::format("{}[{}]:{}", what, numeric(*each), base::printable(endpoint.port)), problem);
  }
  return std::unexpected(Error{reason});
}

std::expected<Fd, Error> listen_on(Fd fd, const sockaddr* address, socklen_t length, int backlog,
                                   const std::string& what) {
  if (::bind(fd.get(), address, length) != 0) return std::unexpected(base::errno_error(what));
  if (::listen(fd.get(), backlog) != 0) return std::unexpected(base::errno_error(what));
  return fd;
}

std::expected<Fd, Error> listen_inet(const Endpoint& endpoint, int backlog) {
  const std::string name = fmt::format("listen on {}:{}", endpoint.host.empty() ? "*" : base::printable(endpoint.host),
                                       base::printable(endpoint.port));
  auto addresses = look_up(endpoint, AI_PASSIVE, name);
  if (!addresses) return std::unexpected(addresses.error());
  std::expected<Fd, Error> result = std::unexpected(Error{name + ": no address"});
  for (const addrinfo* each = addresses->get(); each != nullptr; each = each->ai_next) {
    Fd fd = new_socket(each->ai_family, each->ai_protocol);
    if (!fd || !set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR) ||
        (each->ai_family == AF_INET6 && !set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY)) ||
        // What is accepted here inherits this.
        !set_option(fd.get(), IPPROTO_TCP, TCP_NODELAY)) {
      result = std::unexpected(base::errno_error(name));
      continue;
    }
    result = listen_on(std::move(fd), each->ai_addr, each->ai_addrlen, backlog, name);
    if (result) return result;
  }
  return result;
}

// Removes a socket that no one listens on; an error when the path is anything else.
std::expected<void, Error> clear_path(const sockaddr_un& address, const std::string& what) {
  struct stat info{};
  if (::lstat(address.sun_path, &info) != 0) {
    if (errno == ENOENT) return {};
    return std::unexpected(base::errno_error(what));
  }
  if (!S_ISSOCK(info.st_mode)) return std::unexpected(Error{what + ": there is something that is not a socket"});
  const Fd probe = new_socket(AF_UNIX, 0);
  if (!probe) return std::unexpected(base::errno_error(what));
  if (::connect(probe.get(), generic(address), sizeof address) == 0 || errno == EAGAIN) {
    return std::unexpected(Error{with_errno(what, EADDRINUSE)});
  }
  if (errno == ENOENT) return {};
  if (errno != ECONNREFUSED) return std::unexpected(base::errno_error(what));
  if (::unlink(address.sun_path) != 0 && errno != ENOENT) return std::unexpected(base::errno_error(what));
  return {};
}

std::expected<Fd, Error> listen_unix(const std::string& path, int backlog) {
  auto address = unix_address(path, "listen on");
  if (!address) return std::unexpected(address.error());
  const std::string what = "listen on " + path;
  if (auto cleared = clear_path(*address, what); !cleared) return std::unexpected(cleared.error());
  Fd fd = new_socket(AF_UNIX, 0);
  if (!fd) return std::unexpected(base::errno_error(what));
  return listen_on(std::move(fd), generic(*address), sizeof *address, backlog, what);
}

// accept(2) also reports what became of the connection it was about to return; the next one may be well.
bool concerns_one_connection(int problem) {
  switch (problem) {
    case EINTR:
    case ECONNABORTED:
    case ECONNRESET:
    case EPROTO:
    case EPERM:
    case ENETDOWN:
    case ENETUNREACH:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENOPROTOOPT:
    case ENONET:
    case ETIMEDOUT:
      return true;
    default:
      return false;
  }
}

}  // namespace

std::expected<Fd, Error> connect(const Endpoint& endpoint, Deadline deadline) {
  if (endpoint.type == Endpoint::Type::unix_stream) return connect_unix(endpoint.path, deadline);
  return connect_inet(endpoint, deadline);
}

std::expected<Fd, Error> listen(const Endpoint& endpoint, int backlog) {
  if (endpoint.type == Endpoint::Type::unix_stream) return listen_unix(endpoint.path, backlog);
  return listen_inet(endpoint, backlog);
}

std::expected<Fd, Error> accept(int listener, Deadline deadline) {
  while (true) {
    // However many clients come, those that are here get their turn.
    if (detail::running != nullptr) detail::running->scheduler->note_progress();
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      detail::fresh(fd.get());
      return fd;
    }
    if (errno == EAGAIN) {
      if (wait_readable_again(listener, deadline) == Wakeup::timed_out) return Fd();
    } else if (!concerns_one_connection(errno)) {
      return std::unexpected(base::errno_error("accept"));
    } else if (detail::passed(deadline)) {
      return Fd();
    }
  }
}

std::expected<Fd, Error> accept_waiting(int listener) {
  while (true) {
    if (detail::running != nullptr) detail::running->scheduler->note_progress();
    Fd fd(::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (fd) {
      detail::fresh(fd.get());
      return fd;
    }
    if (errno == EAGAIN) return Fd();
    if (!concerns_one_connection(errno)) return std::unexpected(base::errno_error("accept"));
  }
}

Pair socket_pair() {
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
    throw base::Fatal(base::with_errno("socketpair", errno));
  }
  for (const int fd : fds) detail::fresh(fd);
  return {Fd(fds[0]), Fd(fds[1])};
}

}  // namespace io
