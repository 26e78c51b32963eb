#pragma once
// The alarm clock of a service: the letter `W` and a NUL byte, sent to its own socket, as any other trigger.

#include "base/fd.h"
#include "master/endpoints.h"

namespace master {

constexpr char kWakeup[] = {'W', '\0'};

// Connects without waiting. `unfinished` is a TCP connection that is still to be made: when it can be written to, call
// finish_wakeup(). A service whose queue of clients is full is awake anyway.
struct Sent {
  base::Fd unfinished;
};
Sent send_wakeup(const Endpoint& endpoint, int listener);
void finish_wakeup(int fd);

}  // namespace master
