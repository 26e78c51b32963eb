#pragma once
// What master makes of its own process: descriptors, session, limits, the prompt of whoever started it.

#include <sys/types.h>

#include <string>

#include "base/fd.h"

namespace master {

// Whatever the caller left open is not for us, and not for our children.
void close_inherited_descriptors();

// Reads, and writes nothing: /dev/null in place of what the caller has there. Standard output stays when it is the log.
void detach_standard_descriptors(bool keeps_output);

// The leader of a process group, so that all descendants can be told to stop. False when that is not to be had.
bool lead_process_group();

// As many descriptors as are allowed, within reason: programs exist that close all of them one by one.
void raise_descriptor_limit();

// -w: the caller waits in the foreground for what becomes of us. In the parent this does not return: it exits with 0
// once ready() was called in the child, and with 1 when the child has ended without, or takes too long.
class Foreground {
 public:
  Foreground() = default;
  Foreground(const Foreground&) = delete;
  Foreground& operator=(const Foreground&) = delete;
  // The end of this process tells of a failure, and not a moment earlier: the reason has to be on the terminal by then.
  ~Foreground() { (void)pipe_.release(); }

  void fork_away();
  void ready();

 private:
  base::Fd pipe_;
};

// Ends this process when beat() is not called for 1000 seconds: a master that hangs is worse than none.
class Watchdog {
 public:
  static void start();
  static void beat();
};

// debugger_command, for this process; in the background.
void run_debugger(const std::string& command);

}  // namespace master
