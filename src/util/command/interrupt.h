#pragma once
// For commands that leave something half done when they are stopped: HUP, INT, QUIT and TERM only set a flag, and what
// waits comes back with EINTR. command::run() ends the program by that signal once everything is cleaned up.

namespace command {

// Signals that are ignored stay so.
void catch_interrupts();

// The signal that has come, 0 for none.
int interrupted();

}  // namespace command
