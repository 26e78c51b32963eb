#include "disk/directory_syncs.h"

#include <utility>

namespace disk {

std::shared_ptr<DirectorySyncs> DirectorySyncs::of(Disk& disk) {
  return std::shared_ptr<DirectorySyncs>(new DirectorySyncs(disk));
}

DirectorySyncs::Place DirectorySyncs::enter(const std::string& directory) {
  const Place place = directories_.try_emplace(directory).first;
  ++place->second.users;
  return place;
}

void DirectorySyncs::leave(Place place) {
  if (--place->second.users == 0) directories_.erase(place);
}

void DirectorySyncs::sync(Step step, Place place) {
  // Whatever ends this, those who wait must hear of it.
  class UnderWay {
   public:
    explicit UnderWay(Directory& directory) : directory_(directory) { directory_.is_under_way = true; }
    UnderWay(const UnderWay&) = delete;
    UnderWay& operator=(const UnderWay&) = delete;
    ~UnderWay() {
      directory_.is_under_way = false;
      directory_.ended.notify_all();
    }

   private:
    Directory& directory_;
  };

  Directory& directory = place->second;
  const UnderWay under_way(directory);
  const std::uint64_t number = ++directory.begun;
  auto synced = disk_.sync_directory(step, place->first);
  if (synced) {
    directory.succeeded = number;
  } else {
    directory.failed = number;
    directory.error = std::move(synced.error());
  }
}

NewName::NewName(std::shared_ptr<DirectorySyncs> syncs, const std::string& directory)
    : syncs_(std::move(syncs)), place_(syncs_->enter(directory)), made_after_(place_->second.begun) {}

NewName::NewName(NewName&& other) noexcept
    : syncs_(std::exchange(other.syncs_, nullptr)), place_(other.place_), made_after_(other.made_after_) {}

NewName::~NewName() {
  if (syncs_) syncs_->leave(place_);
}

void NewName::begin(Step step) {
  const DirectorySyncs::Directory& directory = place_->second;
  if (!io::in_fiber() || directory.is_under_way || directory.users > 1) return;
  try {
    io::spawn("directory sync", [step, syncs = syncs_, directory = place_->first] {
      const NewName name(syncs, directory);
      if (!name.place_->second.is_under_way) syncs->sync(step, name.place_);
    });
  } catch (const std::exception&) {
    // No memory: make_durable() does it all.
  }
}

Result<void> NewName::make_durable(Step step) {
  DirectorySyncs::Directory& directory = place_->second;
  while (true) {
    if (directory.failed > made_after_) return std::unexpected(*directory.error);
    if (directory.succeeded > made_after_) return {};
    if (!directory.is_under_way) {
      syncs_->sync(step, place_);
    } else if (directory.ended.wait(io::Deadline::never()) == io::Wakeup::timed_out) {
      return syncs_->disk_.sync_directory(step, place_->first);  // a fiber that is being cancelled cannot wait
    }
  }
}

}  // namespace disk
