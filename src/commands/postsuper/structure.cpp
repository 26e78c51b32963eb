#include "postsuper/structure.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <functional>
#include <optional>
#include <string>
#include <tuple>

#include "base/text.h"
#include "logging/log.h"
#include "queue/walk.h"

namespace postsuper {

using queue::Folder;
using queue::Id;
using queue::Walk;

namespace {

constexpr disk::Step kMark = "postsuper.repair.mark";
constexpr disk::Step kPlace = "postsuper.repair.place";
constexpr disk::Step kHash = "postsuper.repair.hash";
constexpr disk::Step kRemoveDirectory = "postsuper.repair.remove_directory";
constexpr disk::Step kPurge = "postsuper.purge";

// No id has a #, so nobody takes a file that is halfway through.
constexpr std::string_view kMarked = "#FIX";
constexpr std::size_t kTimeOfShortId = 5;
constexpr std::time_t kTemporaryFor = std::time_t{7} * 24 * 3600;
constexpr Folder kStatusLogs[] = {Folder::bounce, Folder::defer, Folder::trace};

bool is_message_folder(Folder folder) {
  return std::ranges::find(queue::kMessageFolders, folder) != queue::kMessageFolders.end();
}

bool is_hex(char c) {
  return base::is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

std::string parent_of(std::string_view path) {
  return std::string(path.substr(0, path.rfind('/') + 1));
}

void bad_name(std::string_view path) {
  logging::warning("postsuper.bad_name", "bogus file name: {path}", {{"path", path}});
}

class Repairer {
 public:
  Repairer(const queue::Spool& spool, bool strict) : spool_(spool), strict_(strict) {}

  void run(const std::vector<Folder>& folders) {
    // Logs first go where they belong under the names that they have: then they are found when a message is renamed.
    for (const Folder folder : folders) {
      if (!is_message_folder(folder)) place(folder, true);
    }
    for (const Folder folder : folders) {
      if (is_message_folder(folder)) mark_mismatches(folder);
    }
    for (const Folder folder : folders) {
      if (is_message_folder(folder)) place(folder, false);
    }
    // Marked logs, of this run or of one that was interrupted.
    if (logs_marked_) {
      for (const Folder log : kStatusLogs) place(log, false);
    }
  }

  const Repair& result() const { return result_; }

 private:
  // The id that a message of this name must have on this file system; nothing when the name is none.
  std::optional<Id> wanted(const Id& id, ino_t inode) const {
    if (id.is_long() && id.time()) {
      if (!spool_.settings().long_ids) return Id::make_short(*id.time(), inode);
      return strict_ ? id.with_inode(inode) : id;
    }
    if (id.inode() == inode) return id;
    const std::string_view text = id.text();
    if (text.size() < kTimeOfShortId || !std::ranges::all_of(text.substr(0, kTimeOfShortId), is_hex)) {
      return std::nullopt;
    }
    return id.with_inode(inode);
  }

  static std::string_view without_mark(std::string_view name) {
    return name.ends_with(kMarked) ? name.substr(0, name.size() - kMarked.size()) : name;
  }

  void mark_mismatches(Folder folder) {
    Walk walk{std::string(queue::name_of(folder))};
    while (const auto entry = walk.next()) {
      if (entry->kind == Walk::Kind::directory_left) continue;
      if (entry->kind == Walk::Kind::stranger) {
        struct stat status{};
        if (::lstat(walk.path().c_str(), &status) == 0 && !S_ISDIR(status.st_mode)) bad_name(entry->path);
        continue;
      }
      const auto id = Id::parse(without_mark(entry->name));
      const bool marked = entry->name.ends_with(kMarked);
      // The directory knows the inode, mostly; only what looks wrong is looked at.
      auto name = id ? wanted(*id, entry->inode) : std::nullopt;
      if (id && name == id) continue;
      struct stat status{};
      if (::lstat(walk.path().c_str(), &status) != 0) continue;
      if (!id) {
        if (!is_being_created(entry->name, status)) bad_name(entry->path);
        continue;
      }
      name = wanted(*id, status.st_ino);
      if (!name) {
        bad_name(entry->path);
      } else if (*name != *id && mark(walk.path(), parent_of(entry->path) + name->text())) {
        if (queue::mode::is_ready(status.st_mode)) ++result_.renamed;
        if (!marked) mark_logs(*id, *name);
      }
    }
    told(walk);
  }

  // <usec>.<pid>, of a program that is about to give it its id.
  static bool is_being_created(std::string_view name, const struct stat& status) {
    const auto dot = name.find('.');
    return dot != std::string_view::npos && base::all_digits(name.substr(0, dot)) &&
           base::all_digits(name.substr(dot + 1)) && !queue::mode::is_ready(status.st_mode);
  }

  bool mark(const std::string& from, const std::string& to) { return rename(kMark, from, to + std::string(kMarked)); }

  void mark_logs(const Id& from, const Id& to) {
    for (const Folder log : kStatusLogs) {
      const std::string path = spool_.path(log, from);
      struct stat status{};
      if (::lstat(path.c_str(), &status) != 0) continue;
      logs_marked_ = mark(path, spool_.directory(log, from) + to.text()) || logs_marked_;
    }
  }

  // Everything to where it belongs, and the directories that are not needed away.
  void place(Folder folder, bool tell) {
    const bool hashed = spool_.settings().hashed[static_cast<std::size_t>(folder)];
    Walk walk{std::string(queue::name_of(folder))};
    while (const auto entry = walk.next()) {
      if (entry->kind == Walk::Kind::directory_left) {
        const auto level = std::ranges::count(entry->path, '/');
        if (!hashed || level > spool_.settings().hash_depth) remove_directory(walk.path());
        continue;
      }
      if (entry->kind == Walk::Kind::stranger) {
        struct stat status{};
        if (::lstat(walk.path().c_str(), &status) != 0) continue;
        if (S_ISDIR(status.st_mode)) {
          remove_directory(walk.path());
        } else if (tell) {
          bad_name(entry->path);
        }
        continue;
      }
      const auto id = Id::parse(without_mark(entry->name));
      if (!id) {
        if (tell) bad_name(entry->path);
        continue;
      }
      if (entry->name.ends_with(kMarked) && !is_message_folder(folder) && tell) {
        // Left by a run that was interrupted; the messages' names come first.
        logs_marked_ = true;
        continue;
      }
      // Marked by somebody else: what is to become of it was told.
      if (entry->name.ends_with(kMarked) && is_message_folder(folder) && id->inode() != entry->inode) continue;
      const std::string target = spool_.path(folder, *id);
      if (target == entry->path) continue;
      const auto made = spool_.make_directories(kHash, folder, *id);
      if (!made) {
        failed(made.error());
      } else if (folder == Folder::defer) {
        place_delay_log(walk.path(), target);
      } else {
        rename(kPlace, walk.path(), target);
      }
    }
    told(walk);
  }

  // Why a message waits is told by its last attempt, which may have been after hash_queue_depth was changed.
  void place_delay_log(const std::string& from, const std::string& to) {
    struct stat there{};
    struct stat here{};
    if (::lstat(to.c_str(), &there) != 0 || ::lstat(from.c_str(), &here) != 0 || !S_ISREG(there.st_mode)) {
      rename(kPlace, from, to);
    } else if (std::tie(here.st_mtim.tv_sec, here.st_mtim.tv_nsec) >
               std::tie(there.st_mtim.tv_sec, there.st_mtim.tv_nsec)) {
      done(spool_.disk().rename(kPlace, from, to));
    } else {
      done(spool_.disk().unlink(kPlace, from));
    }
  }

  // Never over another file.
  bool rename(disk::Step step, const std::string& from, const std::string& to) {
    struct stat there{};
    struct stat here{};
    if (::lstat(to.c_str(), &there) == 0 && ::lstat(from.c_str(), &here) == 0) {
      const bool same = there.st_dev == here.st_dev && there.st_ino == here.st_ino;
      if (!same) {
        failed({EEXIST, fmt::format("rename {} to {}: there is another file of that name", from, to)});
        return false;
      }
      return done(spool_.disk().unlink(step, from));
    }
    return done(spool_.disk().rename(step, from, to));
  }

  bool done(const disk::Result<void>& result) {
    if (result) return true;
    // A program that runs was faster.
    if (result.error().number != ENOENT) failed(result.error());
    return false;
  }

  void remove_directory(const std::string& path) {
    const auto removed = spool_.disk().remove_directory(kRemoveDirectory, path);
    if (removed || removed.error().number == ENOENT) return;
    logging::warning("postsuper.directory_stays", "{reason}", {{"reason", removed.error().text}});
  }

  void failed(const disk::Error& error) {
    ++result_.failures;
    logging::warning("postsuper.repair_failed", "{reason}", {{"reason", error.text}});
  }

  void told(const Walk& walk) {
    if (walk.failure()) failed({EIO, walk.failure()->text});
  }

  const queue::Spool& spool_;
  bool strict_;
  bool logs_marked_ = false;
  Repair result_;
};

}  // namespace

Repair repair_structure(const queue::Spool& spool, const std::vector<Folder>& folders, bool strict) {
  Repairer repairer(spool, strict);
  repairer.run(folders);
  return repairer.result();
}

void purge_temporary(const queue::Spool& spool, const std::vector<Folder>& folders) {
  const std::time_t oldest = queue::now().seconds - kTemporaryFor;
  for (const Folder folder : folders) {
    if (!is_message_folder(folder)) continue;
    Walk walk{std::string(queue::name_of(folder))};
    while (const auto entry = walk.next()) {
      if (entry->kind != Walk::Kind::file) continue;
      struct stat status{};
      if (::lstat(walk.path().c_str(), &status) != 0 || !S_ISREG(status.st_mode) || status.st_mtime >= oldest) continue;
      // A damaged message was a message: it waits to be put into corrupt.
      if (queue::mode::is_ready(status.st_mode) || queue::mode::is_corrupt(status.st_mode)) continue;
      const auto removed = spool.disk().unlink(kPurge, walk.path());
      if (removed) {
        logging::debug("postsuper.purged", "{path}: removed, because it was never finished", {{"path", entry->path}});
      } else if (removed.error().number != ENOENT) {
        logging::warning("postsuper.purge_failed", "{reason}", {{"reason", removed.error().text}});
      }
    }
    if (walk.failure()) logging::warning("postsuper.purge_failed", "{reason}", {{"reason", walk.failure()->text}});
  }
}

}  // namespace postsuper
