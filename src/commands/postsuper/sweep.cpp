#include "postsuper/sweep.h"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <exception>
#include <iterator>
#include <mutex>
#include <system_error>
#include <thread>

#include "base/error.h"
#include "queue/walk.h"

namespace postsuper {

namespace {

using queue::Walk;

struct Doomed {
  ino_t inode;
  queue::Id id;
  std::string path;
};
constexpr std::size_t kBatch = 16384;

class Sweeper {
 public:
  Sweeper(const queue::Spool& spool, disk::Step step, const Wanted& wanted)
      : spool_(spool), step_(step), wanted_(wanted) {}

  Sweep run(const std::string& top, unsigned workers) {
    Walk first(top, Walk::Into::nothing);
    sweep_directory(first);
    next_ = 0;
    std::vector<std::thread> threads;
    try {
      for (unsigned i = 1; i < workers && i < directories_.size(); ++i) threads.emplace_back([this] { work(); });
    } catch (const std::system_error&) {
      // Fewer do it, too.
    }
    work();
    for (std::thread& thread : threads) thread.join();
    if (problem_) std::rethrow_exception(problem_);
    return std::move(result_);
  }

 private:
  void work() {
    try {
      for (std::size_t mine = next_++; mine < directories_.size(); mine = next_++) {
        Walk walk(directories_[mine], Walk::Into::hash_directories);
        sweep_directory(walk);
      }
    } catch (...) {
      next_ = directories_.size();
      const std::lock_guard lock(mutex_);
      if (!problem_) problem_ = std::current_exception();
    }
  }

  void sweep_directory(Walk& walk) {
    Sweep found;
    std::vector<Doomed> doomed;
    std::vector<std::string> directories;
    while (const auto entry = walk.next()) {
      if (entry->kind == Walk::Kind::directory_left) continue;
      if (entry->kind == Walk::Kind::hash_directory) {
        directories.push_back(walk.path());
        continue;
      }
      auto id = entry->kind == Walk::Kind::file ? queue::Id::parse(entry->name) : std::nullopt;
      if (!id) {
        found.strangers.push_back(walk.path());
      } else if (wanted_(*id, walk.path())) {
        doomed.push_back({entry->inode, std::move(*id), walk.path()});
        if (doomed.size() == kBatch) remove(doomed, found);
      }
    }
    remove(doomed, found);
    if (walk.failure()) throw base::Fatal(walk.failure()->text);
    const std::lock_guard lock(mutex_);
    std::ranges::move(found.removed, std::back_inserter(result_.removed));
    std::ranges::move(found.strangers, std::back_inserter(result_.strangers));
    std::ranges::move(directories, std::back_inserter(directories_));
  }

  // By the path where it is, which after a change of hash_queue_names is not the one where it belongs; and in the order
  // in which the file system keeps the files themselves, so that it has the same few blocks to change again and again.
  void remove(std::vector<Doomed>& doomed, Sweep& found) {
    std::ranges::sort(doomed, {}, &Doomed::inode);
    for (const Doomed& file : doomed) {
      const auto removed = spool_.disk().unlink(step_, file.path);
      if (removed) found.removed.push_back(file.id.text());
      if (!removed && removed.error().number != ENOENT) throw base::Fatal(removed.error().text);
    }
    doomed.clear();
  }

  const queue::Spool& spool_;
  disk::Step step_;
  const Wanted& wanted_;
  std::vector<std::string> directories_;
  std::atomic<std::size_t> next_ = 0;
  std::mutex mutex_;
  Sweep result_;
  std::exception_ptr problem_;
};

}  // namespace

Sweep sweep(const queue::Spool& spool, disk::Step step, queue::Folder folder, const Wanted& wanted, unsigned workers) {
  return Sweeper(spool, step, wanted).run(std::string(queue::name_of(folder)), workers);
}

}  // namespace postsuper
