#include "dns/watched_file.h"

#include "base/file.h"
#include "logging/log.h"

namespace dns {

namespace {

constexpr auto kBetweenLooks = std::chrono::seconds(1);

bool same_time(const timespec& a, const timespec& b) {
  return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

}  // namespace

bool WatchedFile::Stamp::operator==(const Stamp& other) const {
  return device == other.device && inode == other.inode && size == other.size && same_time(modified, other.modified) &&
         same_time(changed, other.changed);
}

std::optional<std::string> WatchedFile::changed_content() {
  const auto now = io::Clock::now();
  if (now < next_look_) return std::nullopt;
  next_look_ = now + kBetweenLooks;
  struct stat status{};
  if (::stat(path_.c_str(), &status) != 0) return std::nullopt;
  const Stamp stamp{status.st_dev, status.st_ino, status.st_size, status.st_mtim, status.st_ctim};
  if (stamp == stamp_) return std::nullopt;
  auto content = base::read_file(path_, most_bytes_);
  stamp_ = stamp;
  if (content) return std::move(*content);
  logging::warning("dns.file", "{reason}; what was known of it before is used", {{"reason", content.error().text}});
  return std::nullopt;
}

}  // namespace dns
