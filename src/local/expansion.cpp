#include "local/expansion.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "config/expand.h"
#include "config/param.h"
#include "delivery/direct_tables.h"
#include "delivery/identity.h"
#include "logging/log.h"
#include "table/search.h"

namespace local {

namespace {

namespace param = config::param;
using delivery::Status;

// More than that is not looked at: the file is then no empty one.
constexpr std::size_t kForwardLimit = std::size_t{64} * 1024;

Status not_served(std::string what) {
  return {.code = "4.3.5", .reason = std::move(what)};
}

// What gets into a path: characters that the administrator thinks safe, and no $ that would be expanded again.
std::string filtered(std::string_view value, std::string_view allowed) {
  std::string safe;
  for (const char c : value) {
    safe += allowed.find(c) == std::string_view::npos ? '_' : c;
    if (safe.back() == '$') safe += '$';
  }
  return safe;
}

// Comments and blank lines only.
bool says_nothing(std::string_view content) {
  while (!content.empty()) {
    const auto newline = content.find('\n');
    const std::string_view line = base::trim(content.substr(0, newline));
    if (!line.empty() && !line.starts_with('#')) return false;
    content.remove_prefix(newline == std::string_view::npos ? content.size() : newline + 1);
  }
  return true;
}

enum class ForwardFile { absent, unusable, empty, present };

// As its owner, who has been become.
std::expected<ForwardFile, Status> look_at(const std::string& path, const User& user) {
  struct stat status{};
  if (::lstat(path.c_str(), &status) != 0) {
    if (errno == ENOENT || errno == ENOTDIR || errno == EACCES || errno == ENAMETOOLONG) return ForwardFile::absent;
    return std::unexpected(Status{.code = "4.3.0", .reason = base::with_errno("cannot look at " + path, errno)});
  }
  const auto unusable = [&](std::string_view why) {
    logging::warning("local.forward_file", "{path}: {why}; the file is ignored", {{"path", path}, {"why", why}});
    return ForwardFile::unusable;
  };
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY));
  if (!fd || ::fstat(fd.get(), &status) != 0) return unusable(base::with_errno("cannot open file", errno));
  if (!S_ISREG(status.st_mode)) return unusable("not a regular file");
  if (status.st_uid != 0 && status.st_uid != user.ids.uid) {
    return unusable(fmt::format("file has bad owner uid {}", status.st_uid));
  }
  if ((status.st_mode & S_IWOTH) != 0) return unusable("file is world writable");
  // From what was looked at: by its name it may be another by now, even a FIFO that never has a writer.
  std::string content(kForwardLimit + 1, '\0');
  const ssize_t size = ::pread(fd.get(), content.data(), content.size(), 0);
  if (size < 0 || static_cast<std::size_t>(size) > kForwardLimit) return ForwardFile::present;
  content.resize(static_cast<std::size_t>(size));
  return says_nothing(content) ? ForwardFile::empty : ForwardFile::present;
}

}  // namespace

Expansion::Expansion(const config::Config& config)
    : config_(config),
      delimiters_(config[param::recipient_delimiter]),
      owner_request_special_(config[param::owner_request_special]),
      double_bounce_sender_(config[param::double_bounce_sender]),
      alias_maps_(delivery::open_directly(config, "alias_maps", config[param::alias_maps])),
      command_maps_("mailbox_command_maps", config[param::mailbox_command_maps], table::Settings::from(config),
                    table::Options{}) {}

std::vector<std::string> Expansion::not_served() const {
  std::vector<std::string> names;
  if (!config_[param::mailbox_command].empty()) names.emplace_back("mailbox_command");
  if (!command_maps_.empty()) names.emplace_back("mailbox_command_maps");
  if (!config_[param::luser_relay].empty()) names.emplace_back("luser_relay");
  return names;
}

std::optional<Status> Expansion::aliases(const Recipient& recipient) const {
  if (alias_maps_.empty()) return std::nullopt;
  const table::Delimiters delimiters(delimiters_, owner_request_special_, double_bounce_sender_);
  const auto hit = table::search(alias_maps_, table::alias_keys(recipient.local, delimiters));
  if (!hit) {
    logging::warning("local.alias_maps", "{error}", {{"error", hit.error().text}});
    return Status{.code = "4.3.0", .reason = "alias database unavailable"};
  }
  if (!*hit) return std::nullopt;
  return local::not_served(fmt::format("\"{}\" is an alias, and aliases are not expanded yet", (*hit)->key.key));
}

std::optional<std::string> Expansion::forward_path(std::string_view text, const Recipient& recipient,
                                                   const User& user) const {
  const std::string& allowed = config_[param::forward_expansion_filter];
  const std::pair<std::string_view, std::string> values[] = {
      {"home", user.home},
      {"user", filtered(recipient.user, allowed)},
      {"shell", filtered(user.shell, allowed)},
      {"recipient", filtered(recipient.address, allowed)},
      {"local", filtered(recipient.local, allowed)},
      {"domain", filtered(recipient.domain, allowed)},
      {"extension", filtered(recipient.extension, allowed)},
      {"recipient_delimiter", filtered(recipient.delimiter, allowed)}};
  const auto expanded = config::expand(text, [&](std::string_view name) -> std::optional<std::string_view> {
    for (const auto& [known, value] : values) {
      if (known == name && !value.empty()) return value;
    }
    return std::nullopt;
  });
  if (!expanded) {
    logging::warning("local.forward_path", "forward_path: {error}", {{"error", expanded.error().text}});
    return std::nullopt;
  }
  return *expanded;
}

std::optional<Status> Expansion::forward_file(const Recipient& recipient, const User& user) const {
  const std::string& paths = config_[param::forward_path];
  if (paths.empty()) return std::nullopt;
  const auto identity = delivery::Identity::become(user.ids);
  if (!identity) return Status{.code = "4.3.0", .reason = identity.error().text};
  std::string looked_at;
  for (const std::string_view item : base::split_grouped(paths)) {
    const auto path = forward_path(item, recipient, user);
    if (!path || *path == looked_at) continue;
    looked_at = *path;
    const auto found = look_at(*path, user);
    if (!found) return found.error();
    switch (*found) {
      case ForwardFile::absent:
        break;
      case ForwardFile::unusable:
      case ForwardFile::empty:
        return std::nullopt;  // the first file decides
      case ForwardFile::present:
        return local::not_served(fmt::format("user {} has a {}, and such files are not read yet", user.name, *path));
    }
  }
  return std::nullopt;
}

std::optional<Status> Expansion::mailbox_command(const Recipient& recipient) const {
  if (!command_maps_.empty()) {
    const auto answer = command_maps_.lookup(recipient.user);
    if (!answer) {
      logging::warning("local.mailbox_command_maps", "{error}", {{"error", answer.error().text}});
      return Status{.code = "4.3.0", .reason = "table lookup failure"};
    }
    if (*answer)
      return local::not_served("mailbox_command_maps has a command for the user, and commands are not run yet");
  }
  if (config_[param::mailbox_command].empty()) return std::nullopt;
  return local::not_served("mailbox_command is set, and commands are not run yet");
}

std::optional<Status> Expansion::unknown_user_relay() const {
  if (config_[param::luser_relay].empty()) return std::nullopt;
  return local::not_served("luser_relay is set, and mail is not forwarded yet");
}

std::string Expansion::changed() const {
  for (const table::TableList* list : {&alias_maps_, &command_maps_}) {
    if (list->has_changed()) return list->parameter();
  }
  return {};
}

}  // namespace local
