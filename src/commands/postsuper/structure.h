#pragma once
// The repair of the queue's structure, and the removal of what nobody finished.

#include <vector>

#include "queue/spool.h"

namespace postsuper {

// A message's name says which inode it has; files of a backup that was put back have other ones. They are renamed, in
// two passes: first to <new name>#FIX where they are, so that no two can be in each other's way, then to where they
// belong. Bounce, defer and trace logs follow their message. Files in the wrong hash directory are moved, hash
// directories that the configuration does not ask for are removed. Nothing is ever replaced by a rename, and whatever
// stops us, another run goes on from there. Running programs are not disturbed: what is right is left alone.
struct Repair {
  long renamed = 0;   // messages
  long failures = 0;  // what could not be done, and was told
};
Repair repair_structure(const queue::Spool& spool, const std::vector<queue::Folder>& folders, bool strict);

// Files that nobody has touched for 7 days and that never became messages.
void purge_temporary(const queue::Spool& spool, const std::vector<queue::Folder>& folders);

}  // namespace postsuper
