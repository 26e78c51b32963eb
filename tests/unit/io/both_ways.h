#pragma once
// What waits is tried inside and outside of fibers: the same calls must mean the same.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <string>
#include <thread>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "io/wait.h"
#include "lib/fibers.h"

namespace io_test {

using namespace std::chrono_literals;

inline io::Deadline soon() {
  return io::Deadline::after(30ms);
}
inline io::Deadline later() {
  return io::Deadline::after(20s);
}  // that a test never reaches

using fibers::in_a_fiber;

// The other side of a dialogue: a fiber inside of one, a thread outside.
class Peer {
 public:
  explicit Peer(const std::function<void()>& body) {
    if (io::in_fiber()) {
      fiber_ = io::spawn("peer", body);
    } else {
      thread_ = std::thread(body);
    }
  }
  ~Peer() { end(); }
  void end() {
    if (thread_.joinable()) thread_.join();
    fiber_.join();
    fiber_ = {};
  }

 private:
  io::FiberHandle fiber_;
  std::thread thread_;
};

// A TEST_P body runs once with the parameter true: inside of a fiber.
class BothWays : public testing::TestWithParam<bool> {
 protected:
  void run(const std::function<void()>& body) {
    if (GetParam()) {
      in_a_fiber(body);
    } else {
      body();
    }
  }
};

inline std::string way_name(const testing::TestParamInfo<bool>& info) {
  return info.param ? "Fiber" : "Thread";
}

// The address of a listener on port 0.
inline io::Endpoint where(const base::Fd& listener, const std::string& host = "127.0.0.1") {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  EXPECT_EQ(::getsockname(listener.get(), reinterpret_cast<sockaddr*>(&address), &size), 0);
  const auto port = address.ss_family == AF_INET6 ? reinterpret_cast<sockaddr_in6*>(&address)->sin6_port
                                                  : reinterpret_cast<sockaddr_in*>(&address)->sin_port;
  return {io::Endpoint::Type::inet, host, std::to_string(ntohs(port)), ""};
}

// Both ends of a connection, the second one raw.
struct RawPair : io::Pair {
  RawPair() : io::Pair(io::socket_pair()) {}
  // The stream on the first end.
  io::Stream stream() {
    io::Stream result(std::move(first));
    result.set_deadline(later());
    return result;
  }
  void send(std::string_view text) const {
    ASSERT_EQ(::send(second.get(), text.data(), text.size(), MSG_NOSIGNAL), static_cast<ssize_t>(text.size()));
  }
  std::string received() const {
    char buffer[65536];
    const ssize_t size = ::recv(second.get(), buffer, sizeof buffer, MSG_DONTWAIT);
    return size < 0 ? "nothing" : std::string(buffer, static_cast<std::size_t>(size));
  }
};

template <typename Call>
io::StreamError::Kind kind_thrown_by(Call&& call) {
  try {
    call();
  } catch (const io::StreamError& error) {
    return error.kind();
  }
  throw std::runtime_error("no StreamError was thrown");
}

}  // namespace io_test

#define POSTRIDER_BOTH_WAYS(suite)           \
  class suite : public io_test::BothWays {}; \
  INSTANTIATE_TEST_SUITE_P(Both, suite, testing::Bool(), io_test::way_name)
