#pragma once
// A watchdog that needs no thread and no memory: the kernel's alarm clock.

namespace command {

// From here on the process says "watchdog timeout" and ends when an ::alarm() goes off.
void end_at_alarm();

}  // namespace command
