#pragma once
// Removes files by the thousand. What takes long is waiting for the file system, so several hash directories are worked
// on at a time.

#include <functional>
#include <string>
#include <vector>

#include "disk/disk.h"
#include "queue/spool.h"

namespace postsuper {

struct Sweep {
  std::vector<std::string> removed;    // names, in no order
  std::vector<std::string> strangers;  // paths of what has no id for a name
};
// Asked for each file; from several threads at once.
using Wanted = std::function<bool(const queue::Id& id, const std::string& path)>;

// Throws base::Fatal when the disk refuses; a file that is gone is not counted. With one worker no thread is made.
Sweep sweep(const queue::Spool& spool, disk::Step step, queue::Folder folder, const Wanted& wanted, unsigned workers);

}  // namespace postsuper
