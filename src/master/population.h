#pragma once
// How many processes a service has, may have, and needs: the decisions, apart from what carries them out.

#include <chrono>

namespace master {

struct Population {
  int limit = 0;         // 0: none
  int at_first_use = 1;  // started together when there is none yet
  bool solitary = false;
  bool throttled = false;
  int running = 0;    // of the present configuration
  int available = 0;  // of those: have room for a client
  int finishing = 0;  // of an earlier configuration: take no further client
};

// When a client waits: how many processes to start for it.
int processes_to_start(const Population& population);

// Every process that may run does, and none has room.
bool is_at_limit(const Population& population);

// A process that fails when it has hardly begun will fail again at once: its service has to pause. One that has
// completed a client has shown that it can work, and so has one that lived for a while.
struct Ending {
  bool failed = false;
  bool completed_a_client = false;
  bool was_finishing = false;
  std::chrono::steady_clock::duration age{};
};
bool asks_for_pause(const Ending& ending);

}  // namespace master
