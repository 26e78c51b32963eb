#pragma once
// Names become durable when their directory is synced, and one sync counts for every name that was made before it
// began: many messages share it.

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "disk/disk.h"
#include "io/fiber.h"

namespace disk {

class DirectorySyncs : public std::enable_shared_from_this<DirectorySyncs> {
 public:
  static std::shared_ptr<DirectorySyncs> of(Disk& disk);
  DirectorySyncs(const DirectorySyncs&) = delete;
  DirectorySyncs& operator=(const DirectorySyncs&) = delete;

 private:
  friend class NewName;
  // Known while somebody has a new name in it, or a sync of it is under way.
  struct Directory {
    std::size_t users = 0;
    bool is_under_way = false;
    std::uint64_t begun = 0;  // syncs so far; they have numbers from 1
    std::uint64_t succeeded = 0;
    std::uint64_t failed = 0;
    std::optional<Error> error;  // of `failed`
    io::Condition ended;
  };
  using Place = std::map<std::string, Directory>::iterator;

  explicit DirectorySyncs(Disk& disk) : disk_(disk) {}
  Place enter(const std::string& directory);
  void leave(Place place);
  void sync(Step step, Place place);

  Disk& disk_;
  std::map<std::string, Directory> directories_;
};

// A name that was just made, until its maker has seen it durable or no longer cares.
class NewName {
 public:
  NewName(std::shared_ptr<DirectorySyncs> syncs, const std::string& directory);
  NewName(NewName&& other) noexcept;
  NewName& operator=(NewName&&) = delete;
  ~NewName();

  // Starts a sync while the caller goes on with other things, when no other new name will ask for one soon.
  void begin(Step step);
  // Returns when a sync that began after the name was made has ended. When such a sync fails, this fails: nobody knows
  // what it left out, and a later one may not tell.
  Result<void> make_durable(Step step);

 private:
  std::shared_ptr<DirectorySyncs> syncs_;  // null after a move
  DirectorySyncs::Place place_;
  std::uint64_t made_after_;  // the number of the last sync that began before
};

}  // namespace disk
