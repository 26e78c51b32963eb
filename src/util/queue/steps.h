#pragma once
// Every step at which this library changes the disk: the crash points that tests fail one by one. What a crash before
// or after each leaves behind is told where the step is taken.

#include <array>

#include "disk/disk.h"

namespace queue::step {

// MessageWriter, in the order in which they happen.
constexpr disk::Step kCreate = "queue.create";                // <folder>/<usec>.<pid>, mode "writing"
constexpr disk::Step kCreateHash = "queue.create.hash";       // a hash directory on the way
constexpr disk::Step kCreateName = "queue.create.name";       // renamed to its id
constexpr disk::Step kCreateStale = "queue.create.stale";     // bounce, defer and trace logs that had this id before
constexpr disk::Step kWrite = "queue.write";                  // records, when the buffer is full and at commit
constexpr disk::Step kOverwrite = "queue.overwrite";          // the size record, and edits
constexpr disk::Step kCommitMove = "queue.commit.move";       // to another folder, while nobody looks at the file; of a
                                                              // spare file, to its folder, when all the rest is done
constexpr disk::Step kCommitCut = "queue.commit.cut";         // what was longer, of a spare file
constexpr disk::Step kCommitTime = "queue.commit.time";       // the file system's clock is ahead of ours
constexpr disk::Step kCommitMode = "queue.commit.mode";       // ready: from here on a crash may leave a whole message
constexpr disk::Step kCommitSync = "queue.commit.sync";       // its content
constexpr disk::Step kCommitName = "queue.commit.directory";  // its name: from here on it is ours
constexpr disk::Step kCommitClose = "queue.commit.close";
constexpr disk::Step kAbandon = "queue.abandon";  // removed, because something above failed or nobody committed

// Spool.
constexpr disk::Step kSpoolHash = "queue.spool.hash";  // a hash directory that is not there yet

// A message's own file, changed in place.
constexpr disk::Step kMarkDone = "queue.mark.done";      // R becomes D
constexpr disk::Step kMarkWarned = "queue.mark.warned";  // the delay warning was sent
constexpr disk::Step kMarkTraced = "queue.mark.traced";  // the trace report was sent

// Status logs and flush logs.
constexpr disk::Step kStatusOpen = "queue.status.open";
constexpr disk::Step kStatusWrite = "queue.status.write";
constexpr disk::Step kStatusTakeBack = "queue.status.take_back";  // what a failed write may have left
constexpr disk::Step kStatusSync = "queue.status.sync";
constexpr disk::Step kStatusName = "queue.status.directory";  // of a log that is new
constexpr disk::Step kFlushOpen = "queue.flush.open";
constexpr disk::Step kFlushWrite = "queue.flush.write";
constexpr disk::Step kFlushEmpty = "queue.flush.empty";

inline constexpr std::array kAll = {kCreate,      kCreateHash,  kCreateName,     kCreateStale, kWrite,      kOverwrite,
                                    kCommitMove,  kCommitCut,   kCommitTime,     kCommitMode,  kCommitSync, kCommitName,
                                    kCommitClose, kAbandon,     kSpoolHash,      kMarkDone,    kMarkWarned, kMarkTraced,
                                    kStatusOpen,  kStatusWrite, kStatusTakeBack, kStatusSync,  kStatusName, kFlushOpen,
                                    kFlushWrite,  kFlushEmpty};

}  // namespace queue::step
