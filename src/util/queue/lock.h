#pragma once
// Kernel locks on queue files and logs: flock(2), as Postfix on Linux takes them.

#include "disk/disk.h"
#include "io/wait.h"

namespace queue {

enum class Lock { shared, exclusive };

// False: someone else has it. Replaces a lock that the same descriptor holds.
disk::Result<bool> try_lock(int fd, Lock lock);
// Asks again, ever more slowly, until the deadline; its passing is EAGAIN.
disk::Result<void> lock_until(int fd, Lock lock, io::Deadline deadline);

}  // namespace queue
