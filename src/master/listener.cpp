#include "master/listener.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"

namespace master {

namespace {

constexpr int kBacklog = 4096;  // the kernel's own limit (somaxconn) may be lower

std::unexpected<ListenError> failed(std::string_view what, const Endpoint& endpoint) {
  const int number = errno;
  return std::unexpected(ListenError{number, base::with_errno(fmt::format("{} {}", what, endpoint.text()), number)});
}

bool bind_inet(const base::Fd& fd, const Endpoint& endpoint, int port) {
  sockaddr_in ipv4{};
  sockaddr_in6 ipv6{};
  const sockaddr* address = nullptr;
  socklen_t length = 0;
  if (endpoint.is_ipv6) {
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET6, endpoint.address.c_str(), &ipv6.sin6_addr);
    address = reinterpret_cast<const sockaddr*>(&ipv6);
    length = sizeof ipv6;
  } else {
    ipv4.sin_family = AF_INET;
    ipv4.sin_port = htons(static_cast<std::uint16_t>(port));
    ::inet_pton(AF_INET, endpoint.address.c_str(), &ipv4.sin_addr);
    address = reinterpret_cast<const sockaddr*>(&ipv4);
    length = sizeof ipv4;
  }
  return ::bind(fd.get(), address, length) == 0;
}

std::expected<base::Fd, ListenError> listen_inet(const Endpoint& endpoint) {
  const int family = endpoint.is_ipv6 ? AF_INET6 : AF_INET;
  base::Fd fd(::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed("socket for", endpoint);
  const int on = 1;
  if (::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0) return failed("setsockopt for", endpoint);
  if (endpoint.is_ipv6 && ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on) != 0) {
    return failed("setsockopt for", endpoint);
  }
  if (!bind_inet(fd, endpoint, endpoint.port)) return failed("bind", endpoint);
  if (::listen(fd.get(), kBacklog) != 0) return failed("listen", endpoint);
  return fd;
}

bool remove_leftover(const Endpoint& endpoint, mode_t kind) {
  struct stat state{};
  if (::lstat(endpoint.path.c_str(), &state) != 0) return errno == ENOENT;
  if ((state.st_mode & S_IFMT) != kind) {
    errno = EEXIST;
    return false;
  }
  return ::unlink(endpoint.path.c_str()) == 0;
}

std::expected<base::Fd, ListenError> listen_unix(const Endpoint& endpoint) {
  const bool is_stream = endpoint.kind == Endpoint::Kind::unix_stream;
  if (!remove_leftover(endpoint, S_IFSOCK)) return failed("remove old socket", endpoint);
  base::Fd fd(::socket(AF_UNIX, (is_stream ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return failed("socket for", endpoint);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  endpoint.path.copy(address.sun_path, sizeof address.sun_path - 1);
  const mode_t umask_before = ::umask(0111);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int reason = errno;
  ::umask(umask_before);
  errno = reason;
  if (bound != 0) return failed("bind", endpoint);
  if (is_stream && ::listen(fd.get(), kBacklog) != 0) return failed("listen", endpoint);
  return fd;
}

std::expected<base::Fd, ListenError> listen_fifo(const Endpoint& endpoint) {
  if (!remove_leftover(endpoint, S_IFIFO)) return failed("remove old FIFO", endpoint);
  const mode_t umask_before = ::umask(0111);
  const int made = ::mkfifo(endpoint.path.c_str(), 0666);
  const int reason = errno;
  ::umask(umask_before);
  errno = reason;
  if (made != 0) return failed("make FIFO", endpoint);
  // For writing, too: otherwise it would be at its end, and readable, after the first writer.
  base::Fd fd(::open(endpoint.path.c_str(), O_RDWR | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return failed("open FIFO", endpoint);
  return fd;
}

}  // namespace

AsOwner::AsOwner(const std::optional<Owner>& owner) {
  if (!owner || ::geteuid() != 0) return;
  group_before_ = ::getegid();
  if (::setegid(owner->gid) != 0) throw base::Fatal(base::with_errno("setegid", errno));
  if (::seteuid(owner->uid) != 0) throw base::Fatal(base::with_errno("seteuid", errno));
  switched_ = true;
}

AsOwner::~AsOwner() {
  if (!switched_) return;
  const int saved = errno;
  // With the wrong ids nothing that follows would be right.
  if (::seteuid(0) != 0 || ::setegid(group_before_) != 0) std::abort();
  errno = saved;
}

std::string problem_of_address(const Endpoint& endpoint) {
  const base::Fd fd(::socket(endpoint.is_ipv6 ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd && bind_inet(fd, endpoint, 0)) return {};
  if (errno != EADDRNOTAVAIL && errno != EAFNOSUPPORT) return {};  // a shortage of this moment is no mistake
  return base::with_errno(fmt::format("bind {}", endpoint.text()), errno);
}

std::expected<base::Fd, ListenError> listen_at(const Endpoint& endpoint, const std::optional<Owner>& owner) {
  if (endpoint.kind == Endpoint::Kind::inet) return listen_inet(endpoint);
  const AsOwner as_owner(owner);
  return endpoint.kind == Endpoint::Kind::fifo ? listen_fifo(endpoint) : listen_unix(endpoint);
}

void stop_listening(int fd, const Endpoint& endpoint, const std::optional<Owner>& owner, bool unlinks) {
  if (endpoint.kind != Endpoint::Kind::fifo) ::shutdown(fd, SHUT_RDWR);
  if (endpoint.kind == Endpoint::Kind::inet || !unlinks) return;
  const AsOwner as_owner(owner);
  ::unlink(endpoint.path.c_str());
}

}  // namespace master
