#include "service/passed.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

namespace service {

namespace {

constexpr std::size_t kLongestList = 64 * 1024;

// What one recvmsg(2) brought.
struct Piece {
  ssize_t size;
  base::Fd passed;
};

Piece receive(int socket, std::span<char> space) {
  alignas(cmsghdr) char control[CMSG_SPACE(8 * sizeof(int))];
  iovec part{space.data(), space.size()};
  msghdr message{};
  message.msg_iov = &part;
  message.msg_iovlen = 1;
  message.msg_control = control;
  message.msg_controllen = sizeof control;
  Piece piece{::recvmsg(socket, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), {}};
  if (piece.size < 0) return piece;
  for (cmsghdr* each = CMSG_FIRSTHDR(&message); each != nullptr; each = CMSG_NXTHDR(&message, each)) {
    if (each->cmsg_level != SOL_SOCKET || each->cmsg_type != SCM_RIGHTS) continue;
    const std::size_t count = (each->cmsg_len - CMSG_LEN(0)) / sizeof(int);
    for (std::size_t i = 0; i < count; ++i) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(each) + i * sizeof fd, sizeof fd);
      if (piece.passed) {
        ::close(fd);  // one was agreed on
      } else {
        piece.passed.reset(fd);
      }
    }
  }
  return piece;
}

}  // namespace

std::optional<std::vector<std::pair<std::string, std::string>>> parse_passed_attributes(std::string_view bytes) {
  std::vector<std::string_view> words;
  bool in_braces = false;
  while (true) {
    const std::size_t end = bytes.find('\0');
    if (end == std::string_view::npos) return std::nullopt;
    const std::string_view word = bytes.substr(0, end);
    bytes.remove_prefix(end + 1);
    const bool at_name = words.size() % 2 == 0;
    if (at_name && word.empty()) break;
    if (at_name && word == "{" && words.empty() && !in_braces) {
      in_braces = true;
    } else if (at_name && word == "}" && in_braces) {
      in_braces = false;
    } else {
      words.push_back(word);
    }
  }
  std::vector<std::pair<std::string, std::string>> attributes;
  for (std::size_t i = 0; i + 1 < words.size(); i += 2) attributes.emplace_back(words[i], words[i + 1]);
  return attributes;
}

std::expected<Client, base::Error> receive_passed(base::Fd connection, io::Deadline deadline) {
  Client client;
  std::string bytes;
  char space[4096];
  bool ended = false;
  while (true) {
    auto attributes = parse_passed_attributes(bytes);
    if (client.fd && (attributes || ended)) {
      if (attributes) client.attributes = std::move(*attributes);
      break;
    }
    if (ended) return std::unexpected(base::Error{"the connection was closed"});
    if (bytes.size() > kLongestList) return std::unexpected(base::Error{"the attribute list is too long"});
    Piece piece = receive(connection.get(), space);
    if (piece.size > 0) {
      // The byte that carries the descriptor is no part of the list. The kernel reads no further than to it.
      bytes.append(space, static_cast<std::size_t>(piece.size) - (piece.passed ? 1 : 0));
      if (piece.passed && !client.fd) client.fd = std::move(piece.passed);
    } else if (piece.size == 0) {
      ended = true;
    } else if (errno == EAGAIN) {
      if (io::wait_readable_again(connection.get(), deadline) == io::Wakeup::timed_out) {
        return std::unexpected(base::Error{"timed out"});
      }
    } else if (errno != EINTR) {
      return std::unexpected(base::errno_error("recvmsg"));
    }
  }
  io::forget(connection.get());
  const int flags = ::fcntl(client.fd.get(), F_GETFL);
  if (flags >= 0) ::fcntl(client.fd.get(), F_SETFL, flags | O_NONBLOCK);
  const int on = 1;
  ::setsockopt(client.fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);  // refused by what is no TCP connection
  return client;
}

}  // namespace service
