#include "master/notify.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

#include "base/fd.h"
#include "base/text.h"

namespace master {

namespace {

std::string take(const char* name) {
  const char* value = ::getenv(name);
  std::string text = value != nullptr ? value : "";
  ::unsetenv(name);
  return text;
}

}  // namespace

Notifier Notifier::from_environment() {
  Notifier notifier;
  notifier.socket_ = take("NOTIFY_SOCKET");
  const auto interval = base::to_long(take("WATCHDOG_USEC"));
  const std::string pid = take("WATCHDOG_PID");
  const bool is_for_us = pid.empty() || base::to_long(pid) == static_cast<long>(::getpid());
  if (interval && *interval > 1 && is_for_us) notifier.watchdog_interval_ = std::chrono::microseconds(*interval / 2);
  return notifier;
}

void Notifier::ready() const {
  send(fmt::format("READY=1\nMAINPID={}", ::getpid()));
}

void Notifier::reloading() const {
  timespec now{};
  ::clock_gettime(CLOCK_MONOTONIC, &now);
  send(fmt::format("RELOADING=1\nMONOTONIC_USEC={}", now.tv_sec * 1'000'000L + now.tv_nsec / 1000));
}

void Notifier::stopping() const {
  send("STOPPING=1");
}

void Notifier::alive() const {
  send("WATCHDOG=1");
}

void Notifier::status(std::string_view text) const {
  send(fmt::format("STATUS={}", text));
}

// Nobody listening is no reason to do anything else.
void Notifier::send(std::string_view text) const {
  sockaddr_un address{};
  if (socket_.size() < 2 || socket_.size() >= sizeof address.sun_path) return;
  if (socket_.front() != '/' && socket_.front() != '@') return;
  address.sun_family = AF_UNIX;
  socket_.copy(address.sun_path, sizeof address.sun_path - 1);
  std::size_t length = offsetof(sockaddr_un, sun_path) + socket_.size();
  if (socket_.front() == '@') {
    address.sun_path[0] = '\0';
  } else {
    ++length;  // its terminating NUL byte
  }
  const base::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  if (!fd) return;
  (void)::sendto(fd.get(), text.data(), text.size(), MSG_NOSIGNAL | MSG_DONTWAIT,
                 reinterpret_cast<const sockaddr*>(&address), static_cast<socklen_t>(length));
}

}  // namespace master
