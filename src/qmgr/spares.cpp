#include "qmgr/spares.h"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "logging/log.h"
#include "qmgr/breath.h"
#include "qmgr/steps.h"
#include "queue/spare.h"

namespace qmgr {

namespace {

constexpr auto kGather = std::chrono::milliseconds(50);  // many files share the syncs
constexpr auto kUnwanted = std::chrono::seconds(2);
constexpr auto kAnswerTime = std::chrono::seconds(1);
constexpr std::uint32_t kMostAtOnce = 1000;

}  // namespace

void Spares::remove_all_waste() {
  Breath breath;
  std::error_code problem;
  std::vector<std::string> names;
  const std::filesystem::directory_iterator end;
  for (std::filesystem::directory_iterator entry(queue::kSpareFolder, problem); !problem && entry != end;
       entry.increment(problem)) {
    names.push_back(entry->path().filename().string());
  }
  for (const std::string& name : names) {
    breath.take_if_due();
    (void)queue::remove_waste(spool_.disk(), step::kSpareWaste, name);
  }
}

void Spares::make_ready_for_ever() {
  while (true) {
    if (kept_.empty() && more_kept_.wait(ready_.empty() ? io::Deadline::never() : io::Deadline::after(kUnwanted)) ==
                             io::Wakeup::timed_out) {
      if (wanted_ == 0) discard(std::exchange(ready_, {}));
      continue;
    }
    io::sleep_until(io::Deadline::after(kGather));
    std::vector<std::string> files = std::exchange(kept_, {});
    const auto gone = [&](queue::Folder folder) {
      const auto synced = spool_.disk().sync_directory(step::kSpareSync, std::string(queue::name_of(folder)));
      if (!synced) logging::warning("qmgr.trouble", "{problem}", {{"problem", synced.error().text}});
      return synced.has_value();
    };
    if (!gone(queue::Folder::incoming) || !gone(queue::Folder::active)) {
      discard(files);
      continue;
    }
    std::ranges::move(files, std::back_inserter(ready_));
    more_ready_.notify_all();
  }
}

std::vector<std::string> Spares::take(std::uint32_t wanted) {
  // However the waiting ends.
  class Demand {
   public:
    Demand(std::uint64_t& all, std::uint32_t mine) : all_(all), mine_(mine) { all_ += mine_; }
    Demand(const Demand&) = delete;
    Demand& operator=(const Demand&) = delete;
    ~Demand() { all_ -= mine_; }

   private:
    std::uint64_t& all_;
    std::uint32_t mine_;
  };
  const Demand demand(wanted_, std::min(wanted, kMostAtOnce));
  const io::Deadline deadline = io::Deadline::after(kAnswerTime);
  while (ready_.empty() && more_ready_.wait(deadline) == io::Wakeup::ready) {
  }
  const auto count = static_cast<std::ptrdiff_t>(std::min<std::size_t>({ready_.size(), wanted, kMostAtOnce}));
  // The newest first: they are still in the caches.
  std::vector<std::string> names(std::make_move_iterator(ready_.end() - count), std::make_move_iterator(ready_.end()));
  ready_.resize(ready_.size() - static_cast<std::size_t>(count));
  return names;
}

void Spares::remove_waste(const std::deque<std::string>& names) {
  for (const std::string& name : names) (void)queue::remove_waste(spool_.disk(), step::kSpareWaste, name);
}

bool Spares::keep(const queue::Id& id, std::int64_t size) {
  if (wanted_ <= kept_.size() + ready_.size() || size > queue::kLargestSpare) return false;
  if (!spool_.disk().rename(step::kSpare, spool_.path(queue::Folder::active, id), queue::spare_path(id.text()))) {
    return false;
  }
  kept_.push_back(id.text());
  more_kept_.notify_one();
  return true;
}

void Spares::discard(const std::vector<std::string>& names) {
  for (const std::string& name : names) (void)spool_.disk().unlink(step::kSpareWaste, queue::spare_path(name));
}

}  // namespace qmgr
