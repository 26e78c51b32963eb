#include "command/interrupt.h"

#include <csignal>

namespace command {

namespace {

volatile std::sig_atomic_t caught = 0;  // NOLINT: all that a handler may touch

void remember(int signal) {
  caught = signal;
}

}  // namespace

void catch_interrupts() {
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGTERM}) {
    struct sigaction before{};
    if (::sigaction(signal, nullptr, &before) != 0 || before.sa_handler == SIG_IGN) continue;
    struct sigaction action{};
    action.sa_handler = remember;  // no SA_RESTART
    ::sigaction(signal, &action, nullptr);
  }
}

int interrupted() {
  return caught;
}

}  // namespace command
