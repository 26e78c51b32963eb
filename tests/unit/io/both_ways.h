#pragma once
// What waits is tried inside and outside of fibers: the same calls must mean the same.

#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <chrono>
#include <exception>
#include <functional>
#include <string>
#include <thread>

#include "io/fiber.h"
#include "io/socket.h"
#include "io/stream.h"
#include "io/wait.h"

namespace io_test {

using namespace std::chrono_literals;

inline io::Deadline soon() {
  return io::Deadline::after(30ms);
}
inline io::Deadline later() {
  return io::Deadline::after(20s);
}  // that a test never reaches

// Runs the body as a fiber of a new loop, with what it throws.
inline void in_a_fiber(const std::function<void()>& body) {
  std::exception_ptr problem;
  {
    io::Loop loop;
    loop.spawn("test", [&] {
      try {
        body();
      } catch (const io::Cancelled&) {
        throw;
      } catch (...) {
        problem = std::current_exception();
      }
    });
    loop.run();
  }
  if (problem) std::rethrow_exception(problem);
}

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
