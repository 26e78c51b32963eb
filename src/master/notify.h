#pragma once
// What systemd (or whoever else set NOTIFY_SOCKET) wants to know of a service: sd_notify(3)'s datagrams.

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace master {

class Notifier {
 public:
  Notifier() = default;  // tells nobody
  // From NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. They leave the environment, for they are not for children.
  static Notifier from_environment();

  void ready() const;      // READY=1, also at the end of a reload
  void reloading() const;  // RELOADING=1 with the time, as Type=notify-reload wants it
  void stopping() const;
  void alive() const;  // WATCHDOG=1
  void status(std::string_view text) const;

  // How often alive() is due: half of what was asked for. Nothing when nobody asked this process.
  std::optional<std::chrono::microseconds> watchdog_interval() const { return watchdog_interval_; }

 private:
  void send(std::string_view text) const;
  std::string socket_;  // a path, or '@' and an abstract name
  std::optional<std::chrono::microseconds> watchdog_interval_;
};

}  // namespace master
