#pragma once
// Spare files: those of messages that have reached their end, kept for a moment so that new messages are written over
// them. A busy server then neither makes nor frees inodes and blocks, which is most of what a queue file costs.
//
//   qmgr      active/<id> -> spare/<id> instead of removing it; then incoming and active are synced, so that after a
//             power cut no older name leads to what is written next; then the name is given to cleanup
//   cleanup   writes the new message over it, syncs it, and only then renames it to incoming/<new id>
//
// Whoever writes to a spare file has it locked. What lies in spare/ unlocked and is known to nobody is waste: qmgr
// removes it at its start, and when a cleanup process goes away.

#include <cstdint>
#include <string>
#include <string_view>

#include "disk/disk.h"

namespace queue {

inline constexpr std::string_view kSpareFolder = "spare";
// A larger file is not worth its place.
inline constexpr std::int64_t kLargestSpare = std::int64_t{64} * 1024;

std::string spare_path(std::string_view name);

// Opened for reading and writing, locked, and nobody else's: a regular file of ours with one name, which no program has
// locked (a delivery that qmgr has given up may still want to mark a recipient). What is anything else is refused with
// an error and left alone.
struct SpareFile {
  base::Fd fd;
  std::uint64_t inode;
  std::int64_t size;
  mode_t mode;
};
disk::Result<SpareFile> open_spare(std::string_view name);

// Unless somebody is writing to it. A file that is gone is no error.
disk::Result<void> remove_waste(disk::Disk& disk, disk::Step step, std::string_view name);

}  // namespace queue
