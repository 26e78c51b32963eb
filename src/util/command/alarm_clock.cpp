#include "command/alarm_clock.h"

#include <signal.h>
#include <unistd.h>

#include "logging/log.h"

namespace command {

namespace {

extern "C" void alarm_went_off(int) {
  // Should even telling it hang, the second alarm ends us without a word.
  struct sigaction plain{};
  plain.sa_handler = SIG_DFL;
  ::sigaction(SIGALRM, &plain, nullptr);
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGALRM);
  ::pthread_sigmask(SIG_UNBLOCK, &set, nullptr);
  ::alarm(10);
  logging::fatal("process.watchdog", "watchdog timeout");
  ::_exit(1);
}

}  // namespace

void end_at_alarm() {
  struct sigaction action{};
  action.sa_handler = alarm_went_off;
  ::sigaction(SIGALRM, &action, nullptr);
}

}  // namespace command
