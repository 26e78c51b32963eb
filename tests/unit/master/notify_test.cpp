#include "master/notify.h"

#include <fmt/format.h>

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstdlib>

#include "base/fd.h"

namespace {

using std::chrono::microseconds;

// Listens where NOTIFY_SOCKET says.
class Listener {
 public:
  explicit Listener(const std::string& name) : fd_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    name.copy(address.sun_path, sizeof address.sun_path - 1);
    if (name.front() == '@') address.sun_path[0] = '\0';
    const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + name.size());
    EXPECT_EQ(::bind(fd_.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
    ::setenv("NOTIFY_SOCKET", name.c_str(), 1);
  }
  ~Listener() { ::unsetenv("NOTIFY_SOCKET"); }
  std::string received() const {
    char text[512];
    const ssize_t got = ::recv(fd_.get(), text, sizeof text, 0);
    return got < 0 ? "nothing" : std::string(text, static_cast<std::size_t>(got));
  }

 private:
  base::Fd fd_;
};

TEST(Notifier, AbstractNamesAndPathsAreServed) {
  const std::string abstract = fmt::format("@unit_master.{}", ::getpid());
  const std::string path = fmt::format("/tmp/unit_master_notify.{}", ::getpid());
  for (const std::string& name : {abstract, path}) {
    const Listener listener(name);
    master::Notifier::from_environment().ready();
    EXPECT_EQ(listener.received(), fmt::format("READY=1\nMAINPID={}", ::getpid())) << name;
  }
  ::unlink(path.c_str());
}

TEST(Notifier, EachEventHasItsWord) {
  const Listener listener(fmt::format("@unit_master.{}.b", ::getpid()));
  const auto notifier = master::Notifier::from_environment();
  notifier.reloading();
  EXPECT_TRUE(listener.received().starts_with("RELOADING=1\nMONOTONIC_USEC="));
  notifier.stopping();
  EXPECT_EQ(listener.received(), "STOPPING=1");
  notifier.alive();
  EXPECT_EQ(listener.received(), "WATCHDOG=1");
}

TEST(Notifier, ChildrenDoNotInheritIt) {
  ::setenv("NOTIFY_SOCKET", "/nonexistent", 1);
  ::setenv("WATCHDOG_USEC", "1000000", 1);
  ::setenv("WATCHDOG_PID", std::to_string(::getpid()).c_str(), 1);
  const auto notifier = master::Notifier::from_environment();
  EXPECT_EQ(::getenv("NOTIFY_SOCKET"), nullptr);
  EXPECT_EQ(::getenv("WATCHDOG_USEC"), nullptr);
  EXPECT_EQ(notifier.watchdog_interval(), microseconds(500000));
  notifier.ready();  // nobody there: no harm
}

TEST(Notifier, AWatchdogForAnotherProcessIsNotOurs) {
  ::setenv("WATCHDOG_USEC", "1000000", 1);
  ::setenv("WATCHDOG_PID", "1", 1);
  EXPECT_FALSE(master::Notifier::from_environment().watchdog_interval());
}

TEST(Notifier, WithoutASocketNothingHappens) {
  ::unsetenv("NOTIFY_SOCKET");
  master::Notifier::from_environment().ready();
}

}  // namespace
