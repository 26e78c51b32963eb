#pragma once
// DNS messages for tests, byte by byte, and a server in this process that sends them.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace dns_answers {

inline std::string u16(unsigned value) {
  return {static_cast<char>(value >> 8), static_cast<char>(value & 0xff)};
}
inline std::string u32(std::uint32_t value) {
  return u16(value >> 16) + u16(value & 0xffff);
}
inline std::string name(std::string_view text) {
  std::string bytes;
  while (!text.empty() && text != ".") {
    const auto dot = std::min(text.find('.'), text.size());
    bytes += static_cast<char>(dot);
    bytes += text.substr(0, dot);
    text.remove_prefix(std::min(dot + 1, text.size()));
  }
  return bytes + '\0';
}
inline std::string record(std::string_view owner, unsigned type, std::uint32_t ttl, std::string_view data) {
  return name(owner) + u16(type) + u16(1) + u32(ttl) + u16(static_cast<unsigned>(data.size())) + std::string(data);
}
inline std::string a(std::string_view owner, std::string_view address, std::uint32_t ttl = 300) {
  in_addr bytes{};
  ::inet_pton(AF_INET, std::string(address).c_str(), &bytes);
  return record(owner, 1, ttl, {reinterpret_cast<const char*>(&bytes), 4});
}
inline std::string aaaa(std::string_view owner, std::string_view address, std::uint32_t ttl = 300) {
  in6_addr bytes{};
  ::inet_pton(AF_INET6, std::string(address).c_str(), &bytes);
  return record(owner, 28, ttl, {reinterpret_cast<const char*>(&bytes), 16});
}
inline std::string alias(std::string_view owner, std::string_view target, std::uint32_t ttl = 300) {
  return record(owner, 5, ttl, name(target));
}
inline std::string mx(std::string_view owner, unsigned preference, std::string_view host, std::uint32_t ttl = 300) {
  return record(owner, 15, ttl, u16(preference) + name(host));
}
inline std::string ptr(std::string_view owner, std::string_view host, std::uint32_t ttl = 300) {
  return record(owner, 12, ttl, name(host));
}
inline std::string txt(std::string_view owner, std::string_view text, std::uint32_t ttl = 300) {
  return record(owner, 16, ttl, std::string(1, static_cast<char>(text.size())) + std::string(text));
}
inline std::string soa(std::string_view owner, std::uint32_t ttl, std::uint32_t minimum) {
  return record(owner, 6, ttl, name("ns.test") + name("root.test") + u32(1) + u32(2) + u32(3) + u32(4) + u32(minimum));
}

// A message to the question of `query`.
struct Message {
  std::string query;
  unsigned code = 0;
  std::vector<std::string> answers = {};
  std::vector<std::string> authorities = {};
  bool truncated = false;

  std::string bytes() const {
    std::size_t end = 12;
    while (end < query.size() && query[end] != 0) end += 1U + static_cast<unsigned char>(query[end]);
    end += 5;
    std::string all = query.substr(0, 2) + u16(0x8180U | (truncated ? 0x0200U : 0U) | code) + u16(1) +
                      u16(static_cast<unsigned>(answers.size())) + u16(static_cast<unsigned>(authorities.size())) +
                      u16(0) + query.substr(12, end - 12);
    for (const auto& one : answers) all += one;
    for (const auto& one : authorities) all += one;
    return all;
  }
};

// What a query asks for: "example.test 15".
inline std::string asked(std::string_view query) {
  std::string text;
  std::size_t at = 12;
  while (at < query.size() && query[at] != 0) {
    const auto length = static_cast<unsigned char>(query[at]);
    if (!text.empty()) text += '.';
    text += query.substr(at + 1, length);
    at += length + 1U;
  }
  const unsigned type =
      static_cast<unsigned>(static_cast<unsigned char>(query[at + 1])) << 8 | static_cast<unsigned char>(query[at + 2]);
  return text + ' ' + std::to_string(type);
}

// On 127.0.0.1, UDP and TCP at one port.
class Server {
 public:
  // Empty: no answer. Called on the server's thread.
  using Handler = std::function<std::string(const std::string& query, bool tcp)>;
  explicit Server(Handler handler) : handler_(std::move(handler)) {
    for (int attempt = 0; attempt < 50; ++attempt) {
      udp_ = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
      tcp_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
      sockaddr_in address{};
      address.sin_family = AF_INET;
      address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
      socklen_t size = sizeof address;
      auto* generic = reinterpret_cast<sockaddr*>(&address);
      if (::bind(udp_, generic, size) == 0 && ::getsockname(udp_, generic, &size) == 0 &&
          ::bind(tcp_, generic, size) == 0 && ::listen(tcp_, 16) == 0) {
        port_ = ntohs(address.sin_port);
        break;
      }
      ::close(udp_);
      ::close(tcp_);
    }
    end_ = ::eventfd(0, EFD_CLOEXEC);
    thread_ = std::thread([this] { serve(); });
  }
  ~Server() {
    const std::uint64_t one = 1;
    [[maybe_unused]] const auto written = ::write(end_, &one, sizeof one);
    thread_.join();
    for (const int fd : {udp_, tcp_, end_}) ::close(fd);
  }
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  int port() const { return port_; }
  std::vector<std::string> questions() {
    const std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  std::string answer(const std::string& query, bool tcp) {
    if (query.size() < 17) return {};
    {
      const std::lock_guard lock(mutex_);
      questions_.push_back(asked(query) + (tcp ? " tcp" : ""));
    }
    return handler_(query, tcp);
  }
  void serve() {
    std::string buffer(65536, '\0');
    while (true) {
      pollfd entries[] = {{udp_, POLLIN, 0}, {tcp_, POLLIN, 0}, {end_, POLLIN, 0}};
      ::poll(entries, 3, -1);
      if (entries[2].revents != 0) return;
      if (entries[0].revents != 0) {
        sockaddr_in peer{};
        socklen_t size = sizeof peer;
        auto* generic = reinterpret_cast<sockaddr*>(&peer);
        const auto count = ::recvfrom(udp_, buffer.data(), buffer.size(), 0, generic, &size);
        if (count <= 0) continue;
        const std::string bytes = answer(buffer.substr(0, static_cast<std::size_t>(count)), false);
        if (!bytes.empty()) ::sendto(udp_, bytes.data(), bytes.size(), 0, generic, size);
      }
      if (entries[1].revents != 0) converse(::accept(tcp_, nullptr, nullptr));
    }
  }
  void converse(int peer) {
    if (peer < 0) return;
    const timeval limit{5, 0};
    ::setsockopt(peer, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::string query(2, '\0');
    if (::recv(peer, query.data(), 2, MSG_WAITALL) == 2) {
      query.resize(
          static_cast<std::size_t>(static_cast<unsigned char>(query[0]) << 8 | static_cast<unsigned char>(query[1])));
      if (::recv(peer, query.data(), query.size(), MSG_WAITALL) == static_cast<ssize_t>(query.size())) {
        std::string bytes = answer(query, true);
        if (!bytes.empty()) {
          bytes.insert(0, u16(static_cast<unsigned>(bytes.size())));
          [[maybe_unused]] const auto sent = ::send(peer, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        }
      }
    }
    ::close(peer);
  }

  Handler handler_;
  int udp_ = -1, tcp_ = -1, end_ = -1, port_ = 0;
  std::mutex mutex_;
  std::vector<std::string> questions_;
  std::thread thread_;
};

// Answers from a table: "x.test 1" has these records. A name that is only there with other types has no such record;
// "broken.test" (no type) has a problem whatever is asked.
inline Server::Handler from_table(std::map<std::string, std::vector<std::string>> table) {
  return [table = std::move(table)](const std::string& query, bool) {
    const std::string question = asked(query);
    const std::string owner = question.substr(0, question.find(' '));
    if (const auto found = table.find(question); found != table.end()) return Message{query, 0, found->second}.bytes();
    if (table.contains(owner)) return Message{query, 2}.bytes();
    const auto other = table.lower_bound(owner + ' ');
    const bool known = other != table.end() && other->first.starts_with(owner + ' ');
    return Message{query, known ? 0U : 3U, {}, {soa("test", 60, 60)}}.bytes();
  };
}

}  // namespace dns_answers
