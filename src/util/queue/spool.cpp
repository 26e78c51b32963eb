#include "queue/spool.h"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>

#include "base/text.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"
#include "queue/steps.h"
#include "queue/walk.h"

namespace queue {

namespace {

constexpr std::array<std::string_view, 11> kFolderNames = {
    "maildrop", "hold", "incoming", "active", "deferred", "corrupt", "bounce", "defer", "trace", "flush", "saved"};

// No id is hashed any deeper; the parameter has no upper end of its own.
constexpr int kDeepest = 32;

bool can_be_hashed(Folder folder) {
  return folder != Folder::maildrop && folder != Folder::saved;
}

std::size_t index_of(Folder folder) {
  return static_cast<std::size_t>(folder);
}

}  // namespace

std::string_view name_of(Folder folder) {
  return kFolderNames[index_of(folder)];
}

std::optional<Folder> folder_named(std::string_view name) {
  const auto* const found = std::ranges::find(kFolderNames, name);
  if (found == kFolderNames.end()) return std::nullopt;
  return static_cast<Folder>(found - kFolderNames.begin());
}

SpoolSettings::SpoolSettings() {
  hashed[index_of(Folder::deferred)] = true;
  hashed[index_of(Folder::defer)] = true;
}

SpoolSettings SpoolSettings::from(const config::Config& config) {
  SpoolSettings settings;
  settings.hash_depth = std::min(config[config::param::hash_queue_depth], kDeepest);
  settings.long_ids = config[config::param::enable_long_queue_ids];
  settings.hashed.fill(false);
  for (const auto name : base::split(config[config::param::hash_queue_names])) {
    if (const auto folder = folder_named(name); folder && can_be_hashed(*folder)) {
      settings.hashed[index_of(*folder)] = true;
    }
  }
  return settings;
}

std::string Spool::directory(Folder folder, const Id& id) const {
  std::string directory(name_of(folder));
  directory.push_back('/');
  if (settings_.hashed[index_of(folder)]) directory += id.hash_directory(settings_.hash_depth);
  return directory;
}

std::string Spool::path(Folder folder, const Id& id) const {
  return directory(folder, id) + id.text();
}

disk::Result<bool> Spool::make_directories(disk::Step step, Folder folder, const Id& id) const {
  if (!settings_.hashed[index_of(folder)]) return false;
  const std::string whole = directory(folder, id);
  bool made = false;
  for (auto slash = whole.find('/') + 1; slash < whole.size(); ++slash) {
    slash = whole.find('/', slash);
    const auto result = disk_.make_directory(step, whole.substr(0, slash), 0700);
    if (!result && result.error().number != EEXIST) return std::unexpected(result.error());
    made = made || result;
  }
  return made;
}

disk::Result<void> Spool::move(disk::Step step, const Id& id, Folder from, Folder to) const {
  return from == to ? disk::Result<void>{} : move_found(step, path(from, id), id, to);
}

disk::Result<void> Spool::move_found(disk::Step step, const std::string& source, const Id& id, Folder to) const {
  const std::string target = path(to, id);
  struct stat there{};
  if (::lstat(target.c_str(), &there) == 0) {
    struct stat here{};
    // Where the source is missing rename tells that best.
    if (::lstat(source.c_str(), &here) == 0) {
      if (here.st_dev != there.st_dev || here.st_ino != there.st_ino) {
        return std::unexpected(
            disk::Error{EEXIST, base::with_errno(fmt::format("rename {} to {}", source, target), EEXIST)});
      }
      // Two names of one file, which rename(2) would leave as they are.
      return disk_.unlink(step, source);
    }
  }
  auto moved = disk_.rename(step, source, target);
  if (moved || moved.error().number != ENOENT) return moved;
  const auto made = make_directories(step::kSpoolHash, to, id);
  if (!made) return std::unexpected(made.error());
  if (!*made) return moved;
  return disk_.rename(step, source, target);
}

disk::Result<void> Spool::move_until(disk::Step step, const Id& id, Folder from, Folder to, std::time_t next) const {
  if (auto set = disk_.set_times(step, path(from, id), next); !set) return set;
  return move(step, id, from, to);
}

disk::Result<void> Spool::remove(disk::Step step, Folder folder, const Id& id) const {
  auto removed = disk_.unlink(step, path(folder, id));
  if (!removed && removed.error().number == ENOENT) return {};
  return removed;
}

std::optional<Found> Spool::find(const Id& id) const {
  for (int pass = 0; pass < 2; ++pass) {
    const auto look = [&](Folder folder) -> std::optional<Found> {
      Found found{folder, path(folder, id), {}};
      if (::lstat(found.path.c_str(), &found.status) != 0 || !S_ISREG(found.status.st_mode)) return std::nullopt;
      return found;
    };
    for (const Folder folder : kMessageFolders) {
      if (auto found = look(folder)) return found;
    }
    if (auto found = look(Folder::saved)) return found;
  }
  return std::nullopt;
}

std::expected<void, base::Error> Spool::for_each(Folder folder, const std::function<bool(const Entry&)>& each,
                                                 const std::function<void(const std::string& path)>& other) const {
  Walk walk{std::string(name_of(folder))};
  while (const auto found = walk.next()) {
    if (found->kind == Walk::Kind::directory_left) continue;
    auto id = found->kind == Walk::Kind::file ? Id::parse(found->name) : std::nullopt;
    if (!id) {
      if (other) other(std::string(found->path));
    } else if (!each({std::move(*id), walk.path()})) {
      return {};
    }
  }
  if (walk.failure()) return std::unexpected(*walk.failure());
  return {};
}

struct FolderScan::State {
  Walk walk;
};

FolderScan::FolderScan(const Spool&, Folder folder) : state_(new State{Walk{std::string(name_of(folder))}}) {}
FolderScan::~FolderScan() = default;
FolderScan::FolderScan(FolderScan&&) noexcept = default;
FolderScan& FolderScan::operator=(FolderScan&&) noexcept = default;

std::optional<Id> FolderScan::next() {
  while (const auto found = state_->walk.next()) {
    if (found->kind != Walk::Kind::file) continue;
    if (auto id = Id::parse(found->name)) return id;
  }
  if (state_->walk.failure()) {
    logging::warning("queue.scan_failed", "{reason}", {{"reason", state_->walk.failure()->text}});
  }
  return std::nullopt;
}

}  // namespace queue
