#include "dns/exchange.h"

#include <netdb.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/fd.h"
#include "io/socket.h"
#include "io/stream.h"
#include "logging/log.h"

namespace dns {

namespace {

constexpr std::size_t kReceiveBuffer = 4096;
constexpr int kMostStrayDatagrams = 64;  // in one attempt, from somebody who guesses

std::uint16_t random_id() {
  std::uint16_t id = 0;
  while (::getrandom(&id, sizeof id, 0) < 0 && errno == EINTR) {
  }
  return id;
}

struct FreeAddresses {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};

// A datagram socket that only hears from one server. Its number may have been another socket's in the loop's books, and
// will be.
class Socket {
 public:
  explicit Socket(const NameServer& server) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_DGRAM;
    hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    addrinfo* list = nullptr;
    if (::getaddrinfo(server.address.c_str(), server.port.c_str(), &hints, &list) != 0) return;
    const std::unique_ptr<addrinfo, FreeAddresses> owner(list);
    fd_.reset(::socket(list->ai_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!fd_) return;
    io::forget(fd_.get());
    if (::connect(fd_.get(), list->ai_addr, list->ai_addrlen) != 0) close();
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { close(); }

  explicit operator bool() const { return static_cast<bool>(fd_); }
  bool send(std::string_view bytes) {
    ssize_t count = 0;
    do count = ::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    while (count < 0 && errno == EINTR);
    return count == static_cast<ssize_t>(bytes.size());
  }
  // A datagram into `buffer`; nothing at the deadline and when the server cannot be reached.
  std::optional<std::string_view> receive(std::string& buffer, io::Deadline deadline) {
    buffer.resize(kReceiveBuffer);
    while (true) {
      const ssize_t count = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (count >= 0) return std::string_view(buffer).substr(0, static_cast<std::size_t>(count));
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return std::nullopt;
      if (io::wait_readable_again(fd_.get(), deadline) == io::Wakeup::timed_out) return std::nullopt;
    }
  }

 private:
  void close() {
    if (!fd_) return;
    io::forget(fd_.get());
    fd_.reset();
  }
  base::Fd fd_;
};

class Attempt {
 public:
  Attempt(const NameServer& server, std::string_view name, Type type, std::size_t most_records, io::Deadline deadline)
      : server_(server), name_(name), type_(type), most_records_(most_records), deadline_(deadline) {}

  std::optional<Reply> run(bool extended) {
    auto reply = by_udp(extended);
    // Old servers refuse what they do not understand.
    if (reply && extended && (reply->code == 1 || reply->code == 4)) reply = by_udp(false);
    if (reply && reply->truncated) reply = by_tcp(extended);
    return reply;
  }

 private:
  std::optional<Reply> by_udp(bool extended) {
    const std::uint16_t id = random_id();
    const auto bytes = question(name_, type_, id, extended);
    Socket socket(server_);
    if (!bytes || !socket || !socket.send(*bytes)) return std::nullopt;
    std::string buffer;
    for (int strays = 0; strays < kMostStrayDatagrams; ++strays) {
      const auto datagram = socket.receive(buffer, deadline_);
      if (!datagram) return std::nullopt;
      auto reply = read_reply(*datagram, name_, type_, id, most_records_);
      if (reply) return std::move(*reply);
      if (reply.error() == Mistrust::malformed) return complaint("a malformed answer");
    }
    return complaint("only answers to other questions");
  }

  std::optional<Reply> by_tcp(bool extended) {
    const std::uint16_t id = random_id();
    const auto bytes = question(name_, type_, id, extended);
    if (!bytes) return std::nullopt;
    auto fd = io::connect({io::Endpoint::Type::inet, server_.address, server_.port, {}}, deadline_);
    if (!fd) return complaint(fd.error().text);
    try {
      io::Stream stream(std::move(*fd));
      stream.set_deadline(deadline_);
      const char size[] = {static_cast<char>(bytes->size() >> 8), static_cast<char>(bytes->size() & 0xff)};
      stream.write({size, sizeof size});
      stream.write(*bytes);
      stream.flush();
      const std::string head = stream.read_exactly(2);
      const auto length =
          static_cast<std::size_t>(static_cast<unsigned char>(head[0]) << 8 | static_cast<unsigned char>(head[1]));
      auto reply = read_reply(stream.read_exactly(length), name_, type_, id, most_records_);
      if (reply && !reply->truncated) return std::move(*reply);
      return complaint("a malformed answer over TCP");
    } catch (const io::StreamError& problem) {
      return complaint(problem.what());
    }
  }

  std::nullopt_t complaint(std::string_view what) const {
    logging::debug("dns.server", "name server {server}: {name} {type}: {what}",
                   {{"server", server_.address}, {"name", name_}, {"type", name_of(type_)}, {"what", what}});
    return std::nullopt;
  }

  const NameServer& server_;
  std::string_view name_;
  Type type_;
  std::size_t most_records_;
  io::Deadline deadline_;
};

}  // namespace

std::optional<Reply> exchange(const ResolvConf& conf, std::size_t first, std::string_view name, Type type,
                              std::size_t most_records, io::Deadline deadline) {
  std::vector<bool> has_problem(conf.servers.size());  // it answered, but not the question: no use in asking again
  for (int round = 0; round < conf.attempts; ++round) {
    // As the C library does: later rounds wait longer, and share the time.
    std::chrono::milliseconds patience = conf.timeout;
    if (round > 0) {
      patience = (patience * (1 << round)) / static_cast<long>(conf.servers.size());
      patience = std::max(patience, std::chrono::milliseconds(1000));
    }
    for (std::size_t index = 0; index < conf.servers.size(); ++index) {
      const std::size_t number = (first + index) % conf.servers.size();
      if (has_problem[number]) continue;
      if (deadline.passed()) return std::nullopt;
      Attempt attempt(conf.servers[number], name, type, most_records,
                      io::Deadline::after(patience).or_earlier(deadline));
      // What does not come back may have been dropped for its extension.
      auto reply = attempt.run(round == 0);
      if (!reply) continue;
      if (reply->code == 0 || reply->code == 3) return reply;
      has_problem[number] = true;
    }
  }
  return std::nullopt;
}

}  // namespace dns
