#include "queue/flush_log.h"

#include <sys/stat.h>

#include <cerrno>
#include <unordered_set>

#include "base/text.h"
#include "mail/idn.h"
#include "queue/log_file.h"
#include "queue/steps.h"

namespace queue {

namespace {

constexpr LogSteps kSteps = {step::kFlushOpen, step::kFlushWrite, step::kFlushEmpty};
constexpr std::size_t kLongestSite = 255;
constexpr std::size_t kLargestLog = std::size_t{64} * 1024 * 1024;

disk::Result<Id> file_name(const std::string& log_name) {
  auto id = Id::parse(log_name);
  if (!id) return std::unexpected(disk::Error{EINVAL, "bad flush log name: " + log_name});
  return std::move(*id);
}

}  // namespace

std::optional<std::string> flush_log_name(std::string_view site) {
  if (site.empty() || site.size() > 4 * kLongestSite || site.contains('\0')) return std::nullopt;
  const auto ascii = mail::ascii_domain(site);
  if (!ascii || ascii->empty() || ascii->size() > kLongestSite) return std::nullopt;
  std::string name;
  bool any = false;
  for (const char c : *ascii) {
    any = any || base::is_alnum(c);
    name.push_back(base::is_alnum(c) ? base::to_lower(c) : '_');
  }
  if (!any) return std::nullopt;
  return name;
}

disk::Result<void> append_flush(const Spool& spool, const std::string& log_name, const Id& id) {
  const auto name = file_name(log_name);
  if (!name) return std::unexpected(name.error());
  const auto file = open_locked(spool, kSteps.open, Folder::flush, *name);
  if (!file) return std::unexpected(file.error());
  return append_text(spool.disk(), kSteps, *file, id.text() + "\n");
}

disk::Result<std::vector<Id>> take_flush(const Spool& spool, const std::string& log_name, std::size_t most) {
  const auto name = file_name(log_name);
  if (!name) return std::unexpected(name.error());
  struct stat status{};
  if (::lstat(spool.path(Folder::flush, *name).c_str(), &status) != 0 && errno == ENOENT) return std::vector<Id>();
  const auto file = open_locked(spool, kSteps.open, Folder::flush, *name);
  if (!file) return std::unexpected(file.error());
  const auto content = read_log(spool.path(Folder::flush, *name), kLargestLog);
  // A log that has grown out of all proportion is given up: its messages are tried when their time comes.
  const bool too_large = !content && content.error().number == EFBIG;
  if (!content && !too_large) return std::unexpected(content.error());

  std::vector<Id> ids;
  std::unordered_set<std::string_view> seen;
  std::string_view rest = !too_large && *content ? std::string_view(**content) : std::string_view();
  while (!rest.empty() && ids.size() < most) {
    const auto newline = rest.find('\n');
    const std::string_view line = base::trim(rest.substr(0, newline));
    if (auto id = Id::parse(line); id && seen.insert(line).second) ids.push_back(std::move(*id));
    if (newline == std::string_view::npos) break;
    rest.remove_prefix(newline + 1);
  }
  if (auto emptied = spool.disk().truncate(kSteps.take_back, file->fd.get(), 0); !emptied) {
    return std::unexpected(emptied.error());
  }
  return ids;
}

}  // namespace queue
