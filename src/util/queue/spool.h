#pragma once
// The queue directory: which folders there are, where a message lies in them, and every move that a message can make.
// All paths are relative to the queue directory, which is the working directory of every program that uses this.

#include <sys/stat.h>

#include <array>
#include <ctime>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "disk/directory_syncs.h"
#include "disk/disk.h"
#include "queue/id.h"

namespace config {
class Config;
}

namespace queue {

enum class Folder { maildrop, hold, incoming, active, deferred, corrupt, bounce, defer, trace, flush, saved };
std::string_view name_of(Folder folder);
std::optional<Folder> folder_named(std::string_view name);
// Those that hold messages, in the order in which postcat -q and showq look.
inline constexpr std::array kMessageFolders = {Folder::maildrop, Folder::active, Folder::incoming, Folder::deferred,
                                               Folder::hold};

// The permission bits of a message's file are its state.
namespace mode {
constexpr mode_t kWriting = 0600;
constexpr mode_t kReady = 0700;
constexpr mode_t kMaildropWriting = 0644;
constexpr mode_t kMaildropReady = 0744;
constexpr mode_t kUnthrottle = 0040;  // "forget that the destination is dead", for one message
constexpr mode_t kExpire = 0010;      // return it at the next attempt
constexpr mode_t kCorrupt = 0400;
constexpr bool is_ready(mode_t mode) {
  return (mode & 0700) == kReady;
}
constexpr bool is_corrupt(mode_t mode) {
  return (mode & 0777) == kCorrupt;
}
}  // namespace mode

struct SpoolSettings {
  int hash_depth = 1;                                       // hash_queue_depth
  std::array<bool, 11> hashed = {};                         // by Folder: hash_queue_names
  bool long_ids = false;                                    // enable_long_queue_ids
  static SpoolSettings from(const config::Config& config);  // throws config::BadValue
  SpoolSettings();                                          // the defaults: deferred and defer are hashed
};

struct Found {
  Folder folder;
  std::string path;
  struct stat status;
};

class Spool {
 public:
  explicit Spool(SpoolSettings settings, disk::Disk& disk = disk::real())
      : settings_(settings), disk_(disk), syncs_(disk::DirectorySyncs::of(disk)) {}

  const SpoolSettings& settings() const { return settings_; }
  disk::Disk& disk() const { return disk_; }
  const std::shared_ptr<disk::DirectorySyncs>& syncs() const { return syncs_; }

  std::string path(Folder folder, const Id& id) const;
  std::string directory(Folder folder, const Id& id) const;  // "deferred/9/"
  // The hash directories of that path, mode 0700. True when one was missing.
  disk::Result<bool> make_directories(disk::Step step, Folder folder, const Id& id) const;

  // Makes the hash directory first when it is not there. The file keeps its name and times. A file that is in the way
  // is never replaced: when it is this very file under a second name, the first name goes, otherwise EEXIST.
  disk::Result<void> move(disk::Step step, const Id& id, Folder from, Folder to) const;
  // The same from where the file was found, which may be the wrong place: hash_queue_names was something else before.
  disk::Result<void> move_found(disk::Step step, const std::string& source, const Id& id, Folder to) const;
  // As move(), and sets the time of the next attempt before the file arrives in `to`.
  disk::Result<void> move_until(disk::Step step, const Id& id, Folder from, Folder to, std::time_t next) const;
  disk::Result<void> remove(disk::Step step, Folder folder, const Id& id) const;  // a file that is gone is no error

  // Looks in each folder of kMessageFolders and `saved`, twice, because a message may be on the move.
  std::optional<Found> find(const Id& id) const;

  // Calls `each` for every file whose name is a valid id, in directory order, hash directories included; stops when it
  // returns false. What has another name or is no file goes to `other` (a path), when there is one. A directory that is
  // gone is empty; one that cannot be read is an error after the rest was told. No file is looked at.
  struct Entry {
    Id id;
    const std::string& path;
  };
  std::expected<void, base::Error> for_each(Folder folder, const std::function<bool(const Entry&)>& each,
                                            const std::function<void(const std::string& path)>& other = {}) const;

 private:
  SpoolSettings settings_;
  disk::Disk& disk_;
  std::shared_ptr<disk::DirectorySyncs> syncs_;
};

// A walk through a folder that can pause between files: qmgr's scans. Sees what was there when it came by.
class FolderScan {
 public:
  FolderScan(const Spool& spool, Folder folder);
  ~FolderScan();
  FolderScan(FolderScan&&) noexcept;
  FolderScan& operator=(FolderScan&&) noexcept;
  std::optional<Id> next();  // nothing: the end
 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace queue
