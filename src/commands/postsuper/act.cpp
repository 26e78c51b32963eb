#include "postsuper/act.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <iterator>

#include "base/error.h"
#include "base/text.h"
#include "logging/log.h"
#include "postsuper/sweep.h"
#include "queue/walk.h"

namespace postsuper {

using queue::Folder;
using queue::Id;

namespace {

constexpr disk::Step kRemove = "postsuper.remove";
constexpr disk::Step kRemoveLog = "postsuper.remove.log";
constexpr disk::Step kMove = "postsuper.move";
constexpr disk::Step kRequeue = "postsuper.requeue";
constexpr disk::Step kExpire = "postsuper.expire";

constexpr int kPasses = 3;
constexpr Folder kLogs[] = {Folder::bounce, Folder::defer, Folder::trace};

base::Fatal fatal(const disk::Error& error) {
  return base::Fatal(error.text);
}

// Of one message, as when a backup was restored by root. It must not keep the others from being reached.
bool is_about_the_owner(const disk::Error& error) {
  return error.number == EACCES || error.number == EPERM;
}

void tell_not_permitted(const disk::Error& error) {
  logging::warning("postsuper.not_permitted", "{reason} (\"postfix set-permissions\" gives files their owner back)",
                   {{"reason", error.text}});
}

// What is there and whole: not half written, not a link to somewhere.
bool is_message(const std::string& path, struct stat& status) {
  return ::lstat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && queue::mode::is_ready(status.st_mode);
}

// Into these a message comes only when it is whole.
bool holds_whole_messages_only(Folder folder) {
  return folder == Folder::active || folder == Folder::deferred;
}

// The first name of a file that is about to get its id: <usec>.<pid>.
bool is_temporary_name(std::string_view name) {
  const auto dot = name.find('.');
  return dot != std::string_view::npos && base::all_digits(name.substr(0, dot)) &&
         base::all_digits(name.substr(dot + 1));
}

void tell_stranger(const std::string& path) {
  if (is_temporary_name(std::string_view(path).substr(path.rfind('/') + 1))) return;
  logging::warning("postsuper.bad_name", "bogus file name: {path}", {{"path", path}});
}

}  // namespace

// One kind of thing to do to a message.
struct Actions::Operation {
  std::vector<Folder> folders;  // where it can be done; and where it is done when no folders are given
  std::function<Outcome(const Id&, const std::string& path)> act;
  std::string_view event;
  std::string_view done;  // "removed"
  long* count;
  bool removes = false;
};

Actions::Actions(const queue::Spool& spool, std::vector<Folder> folders, NextLine next_line, unsigned workers)
    : spool_(spool), folders_(std::move(folders)), next_line_(std::move(next_line)), workers_(workers) {}

Totals Actions::run(const Request& request) {
  Totals totals;
  const auto moves_to = [this](Folder to) {
    return [this, to](const Id& id, const std::string& path) { return move(id, path, to); };
  };
  const auto expires = [this](const Id&, const std::string& path) { return expire(path); };
  const std::vector<Folder> queued = {Folder::hold, Folder::incoming, Folder::active, Folder::deferred};
  const std::vector<Folder> all = {Folder::maildrop, Folder::hold, Folder::incoming, Folder::active, Folder::deferred};

  apply({queued, [this](const Id& id, const std::string& path) { return requeue(id, path); }, "postsuper.requeued",
         "requeued", &totals.requeued},
        request.requeue);
  apply({all, [this](const Id&, const std::string& path) { return remove(path); }, "postsuper.removed", "removed",
         &totals.deleted, true},
        request.remove);
  apply({queued, expires, "postsuper.expired", "expired", &totals.expired}, request.expire);
  apply({queued, expires, "postsuper.expired", "expired", &totals.expired}, request.expire_and_release);
  apply({{Folder::hold}, moves_to(Folder::deferred), "postsuper.released", "released from hold", &totals.released},
        request.expire_and_release);
  apply({{Folder::incoming, Folder::active, Folder::deferred},
         moves_to(Folder::hold),
         "postsuper.held",
         "placed on hold",
         &totals.held},
        request.hold);
  apply({{Folder::hold}, moves_to(Folder::deferred), "postsuper.released", "released from hold", &totals.released},
        request.release);
  return totals;
}

std::vector<Folder> Actions::folders_of(const Operation& operation) const {
  if (folders_.empty()) return operation.folders;
  std::vector<Folder> both;
  for (const Folder folder : folders_) {
    if (std::ranges::find(operation.folders, folder) != operation.folders.end()) both.push_back(folder);
  }
  return both;
}

void Actions::apply(const Operation& operation, const Targets& targets) {
  if (targets.all) {
    if (operation.removes) return remove_all(folders_of(operation), *operation.count);
    for (const Folder folder : folders_of(operation)) apply_to_folder(operation, folder);
    return;
  }
  for (const std::string& text : targets.ids) {
    if (text != "-") {
      apply_to_id(operation, text);
      continue;
    }
    for (std::string line; next_line_(line);) apply_to_id(operation, line);
  }
}

void Actions::apply_to_id(const Operation& operation, const std::string& text) {
  const auto id = Id::parse(text);
  if (!id) {
    logging::warning("postsuper.bad_id", "invalid mail queue id: {id}", {{"id", text}});
    return;
  }
  const auto folders = folders_of(operation);
  for (int pass = 0; pass < kPasses; ++pass) {
    for (const Folder folder : folders) {
      struct stat status{};
      const std::string path = spool_.path(folder, *id);
      if (!is_message(path, status)) continue;
      switch (operation.act(*id, path)) {
        case Outcome::done:
          ++*operation.count;
          logging::info(operation.event, "{id}: {done}", {{"id", id->text()}, {"done", operation.done}});
          if (operation.removes) remove_logs(*id);
          return;
        case Outcome::not_needed:
          return;
        case Outcome::gone:
          break;
      }
    }
  }
}

void Actions::apply_to_folder(const Operation& operation, Folder folder) {
  queue::Walk walk{std::string(queue::name_of(folder))};
  while (const auto entry = walk.next()) {
    if (entry->kind == queue::Walk::Kind::directory_left) continue;
    const auto id = entry->kind == queue::Walk::Kind::file ? Id::parse(entry->name) : std::nullopt;
    if (!id) {
      tell_stranger(walk.path());
      continue;
    }
    struct stat status{};
    if (!holds_whole_messages_only(folder) && !is_message(walk.path(), status)) continue;
    // Where it was found: hash_queue_names may have been something else when it was put there.
    if (operation.act(*id, walk.path()) == Outcome::done) ++*operation.count;
  }
  if (walk.failure()) throw base::Fatal(walk.failure()->text);
}

// Messages first, then the logs of those that were removed: to read the folders of logs once is cheaper than to ask for
// three logs of each message.
void Actions::remove_all(const std::vector<Folder>& folders, long& count) {
  std::vector<std::string> removed;
  for (const Folder folder : folders) {
    const auto whole = [folder](const Id&, const std::string& path) {
      struct stat status{};
      return holds_whole_messages_only(folder) || is_message(path, status);
    };
    Sweep swept = sweep(spool_, kRemove, folder, whole, workers_);
    for (const std::string& path : swept.strangers) tell_stranger(path);
    std::ranges::move(swept.removed, std::back_inserter(removed));
  }
  count += static_cast<long>(removed.size());
  if (removed.empty()) return;
  std::ranges::sort(removed);
  const auto orphaned = [&removed](const Id& id, const std::string&) {
    return std::ranges::binary_search(removed, id.text());
  };
  for (const Folder log : kLogs) sweep(spool_, kRemoveLog, log, orphaned, workers_);
}

// The message first: were we stopped between the two, logs without a message tell nobody anything, but a message
// without its log could have recipients that nobody reports on.
Actions::Outcome Actions::remove(const std::string& path) {
  const auto removed = spool_.disk().unlink(kRemove, path);
  if (removed) return Outcome::done;
  if (removed.error().number == ENOENT) return Outcome::gone;
  throw fatal(removed.error());
}

void Actions::remove_logs(const Id& id) {
  for (const Folder log : kLogs) {
    if (const auto removed = spool_.remove(kRemoveLog, log, id); !removed) throw fatal(removed.error());
  }
}

Actions::Outcome Actions::move(const Id& id, const std::string& from, Folder to) {
  const auto moved = spool_.move_found(kMove, from, id, to);
  if (moved) return Outcome::done;
  if (moved.error().number == ENOENT) return Outcome::gone;
  if (moved.error().number == EEXIST) {
    // Two files of one name, as a restored backup may have them: the structure check tells them apart.
    logging::warning("postsuper.name_taken", "{reason} (run \"postsuper -s\")", {{"reason", moved.error().text}});
    return Outcome::not_needed;
  }
  throw fatal(moved.error());
}

// Takes its time stamp along: pickup looks at none that lies in the future.
Actions::Outcome Actions::requeue(const Id& id, const std::string& path) {
  const auto now = queue::now().seconds;
  const auto touched = spool_.disk().set_times(kRequeue, path, now);
  if (!touched && touched.error().number == ENOENT) return Outcome::gone;
  if (!touched && !is_about_the_owner(touched.error())) throw fatal(touched.error());
  struct stat status{};
  if (!touched && ::lstat(path.c_str(), &status) == 0 && status.st_mtime > now) tell_not_permitted(touched.error());
  return move(id, path, Folder::maildrop);
}

Actions::Outcome Actions::expire(const std::string& path) {
  struct stat status{};
  if (!is_message(path, status)) return Outcome::gone;
  if ((status.st_mode & queue::mode::kExpire) != 0) return Outcome::not_needed;
  const auto set = spool_.disk().set_mode(kExpire, path, (status.st_mode & 07777) | queue::mode::kExpire);
  if (set) return Outcome::done;
  if (set.error().number == ENOENT) return Outcome::gone;
  if (!is_about_the_owner(set.error())) throw fatal(set.error());
  tell_not_permitted(set.error());
  return Outcome::not_needed;
}

}  // namespace postsuper
