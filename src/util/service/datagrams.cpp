// Datagrams: several are read at a time, so that a burst costs few system calls.

#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/error.h"
#include "logging/log.h"
#include "service/process.h"

namespace service {

namespace {

constexpr std::size_t kLargest = 64 * 1024;  // the rest of a longer one is cut off
constexpr std::size_t kAtOnce = 16;

}  // namespace

void Process::listen_to_datagrams(int socket) {
  while (!retiring_) {
    if (is_stale()) return;
    if (take_datagrams(socket) > 0) continue;
    server_.no_more_datagrams();
    (void)io::wait_readable_again(socket, io::Deadline::never());
  }
}

void Process::listen_to_log_pipe() {
  while (!retiring_) {
    if (is_stale()) return;
    const Server::Lines taken = take_lines();
    if (taken == Server::Lines::end) return;
    if (taken == Server::Lines::something) {
      last_activity_ = io::Clock::now();
      io::yield();  // neither master nor anyone else waits for the end of a flood
    } else {
      // The pipe is shared with processes that may have been killed at any point: the kernel is asked how it stands.
      (void)io::wait_readable(place_.log_pipe, io::Deadline::never());
    }
  }
}

Server::Lines Process::take_lines() {
  try {
    return server_.take_lines();
  } catch (const base::Fatal&) {
    throw;
  } catch (const std::exception& error) {
    logging::error("service.log_pipe_failed", "the log pipe: {reason}", {{"reason", error.what()}});
    io::sleep_until(io::Deadline::after(std::chrono::seconds(1)));
    return Server::Lines::something;
  }
}

// Until all who may write have ended. Those who take longer find that nobody reads, and write the file themselves.
void Process::take_last_lines(io::Deadline deadline) {
  while (!deadline.passed() && server_.stale().empty()) {
    const Server::Lines taken = take_lines();
    if (taken == Server::Lines::end) return;
    if (taken == Server::Lines::something) {
      io::yield();
    } else {
      const auto next_look = io::Deadline::after(std::chrono::seconds(1)).or_earlier(deadline);
      (void)io::wait_readable_again(place_.log_pipe, next_look);
    }
  }
}

std::size_t Process::take_datagrams(int socket) {
  // Pages that no datagram has reached yet cost nothing.
  static const auto space = std::make_unique_for_overwrite<std::array<char, kLargest * kAtOnce>>();
  std::array<iovec, kAtOnce> parts{};
  std::array<mmsghdr, kAtOnce> headers{};
  for (std::size_t i = 0; i < kAtOnce; ++i) {
    parts[i] = {space->data() + i * kLargest, kLargest};
    headers[i].msg_hdr.msg_iov = &parts[i];
    headers[i].msg_hdr.msg_iovlen = 1;
  }
  const int count = ::recvmmsg(socket, headers.data(), kAtOnce, MSG_DONTWAIT, nullptr);
  if (count < 0) {
    if (errno != EAGAIN && errno != EINTR) {
      logging::warning("service.datagrams_failed", "{reason}", {{"reason", base::with_errno("recvmmsg", errno)}});
      io::sleep_until(io::Deadline::after(std::chrono::seconds(1)));
    }
    return 0;
  }
  last_activity_ = io::Clock::now();
  for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
    try {
      server_.datagram({space->data() + i * kLargest, std::min<std::size_t>(headers[i].msg_len, kLargest)});
    } catch (const base::Fatal&) {
      throw;
    } catch (const std::exception& error) {
      logging::error("service.datagram_failed", "a datagram: {reason}", {{"reason", error.what()}});
    }
  }
  return static_cast<std::size_t>(count);
}

}  // namespace service
