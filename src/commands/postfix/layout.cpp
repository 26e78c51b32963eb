#include "postfix/layout.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/fd.h"
#include "config/param.h"

namespace postfix {

namespace {

namespace param = config::param;

constexpr std::string_view kRemedy = "; \"postfix set-permissions\" mends it";

uid_t user_id(const Installation& installation, User user) {
  if (installation.rootless) return ::getuid();
  return user == User::root || !installation.owner ? 0 : *installation.owner;
}

std::string user_name(const Installation& installation, User user) {
  return user == User::root ? "root" : installation.config[param::mail_owner];
}

std::optional<gid_t> group_id(const Installation& installation, Group group) {
  if (group == Group::any || installation.rootless) return std::nullopt;
  return installation.setgid_group;
}

bool fail(std::string_view what, const std::string& path) {
  complain(base::with_errno(fmt::format("{} {}", what, path), errno));
  return false;
}

// With its parents; those are the administrator's, with ordinary modes.
bool make_directory(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return true;
  if (errno != ENOENT) return false;
  const auto slash = path.find_last_of('/');
  if (slash == std::string::npos || slash == 0) return false;
  if (!make_directory(path.substr(0, slash), 0755) && errno != EEXIST) return false;
  return ::mkdir(path.c_str(), mode) == 0;
}

bool create(const Installation& installation, const Directory& directory) {
  struct stat state{};
  if (::stat(directory.path.c_str(), &state) == 0) {
    if (S_ISDIR(state.st_mode)) return true;
    errno = ENOTDIR;
    return fail("make directory", directory.path);
  }
  if (errno != ENOENT || !make_directory(directory.path, 0700)) return fail("make directory", directory.path);
  // Not through a link that someone may put there meanwhile.
  const base::Fd fd(::open(directory.path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail("open directory", directory.path);
  if (!installation.rootless) {
    const gid_t group = group_id(installation, directory.group).value_or(::getegid());
    if (::fchown(fd.get(), user_id(installation, directory.user), group) != 0) return fail("chown", directory.path);
  }
  if (::fchmod(fd.get(), directory.mode) != 0) return fail("chmod", directory.path);
  return true;
}

bool mend(const Installation& installation, int fd, const struct stat& state, uid_t user, std::optional<gid_t> group,
          mode_t mode, const std::string& path) {
  const gid_t wanted_group = group.value_or(state.st_gid);
  // chown takes set-id bits away: the mode comes after it.
  if (!installation.rootless && (state.st_uid != user || state.st_gid != wanted_group)) {
    if (::fchown(fd, user, wanted_group) != 0) return fail("chown", path);
    if (::fchmod(fd, mode) != 0) return fail("chmod", path);
  } else if ((state.st_mode & 07777) != mode) {
    if (::fchmod(fd, mode) != 0) return fail("chmod", path);
  }
  return true;
}

// Gives everything below to the user. Links are not followed, and only plain files with one name and directories are
// touched: the old owner may have put anything else there.
bool give_content(const base::Fd& directory, uid_t user, const std::string& path, int depth) {
  constexpr int kDeepest = 8;
  if (depth > kDeepest) return true;
  const int copy = ::openat(directory.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return fail("open directory", path);
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::fdopendir(copy), ::closedir);
  if (!list) return fail("open directory", path);
  bool good = true;
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string name = entry->d_name;
    if (name == "." || name == "..") continue;
    const base::Fd fd(::openat(directory.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    struct stat state{};
    if (!fd || ::fstat(fd.get(), &state) != 0) continue;  // a socket, a link, or gone
    const bool is_directory = S_ISDIR(state.st_mode);
    if (!is_directory && !(S_ISREG(state.st_mode) && state.st_nlink == 1)) continue;
    const std::string full = fmt::format("{}/{}", path, name);
    if (state.st_uid != user && ::fchown(fd.get(), user, state.st_gid) != 0) good = fail("chown", full);
    if (is_directory) good = give_content(fd, user, full, depth + 1) && good;
  }
  return good;
}

bool mend_directory(const Installation& installation, const Directory& directory) {
  const base::Fd fd(::open(directory.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  struct stat state{};
  if (!fd || ::fstat(fd.get(), &state) != 0) return fail("open directory", directory.path);
  const uid_t user = user_id(installation, directory.user);
  // What a distribution adds (a sticky maildrop, a set-gid public) may stay.
  const mode_t extra = state.st_mode & 07000;
  if (!mend(installation, fd.get(), state, user, group_id(installation, directory.group), directory.mode | extra,
            directory.path)) {
    return false;
  }
  if (!directory.has_content_of_user || installation.rootless) return true;
  return give_content(fd, user, directory.path, 0);
}

bool mend_program(const Installation& installation, const std::string& path) {
  const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  struct stat state{};
  if (!fd || ::fstat(fd.get(), &state) != 0) return errno == ENOENT || fail("open", path);
  return mend(installation, fd.get(), state, 0, installation.setgid_group, kSetgidMode, path);
}

void check_directory(const Installation& installation, const Directory& directory, Tally& tally) {
  const auto remark = [&tally](std::string_view text) {
    ++tally.warnings;
    warn(text);
  };
  struct stat state{};
  if (::stat(directory.path.c_str(), &state) != 0) {
    remark(base::with_errno(directory.path, errno));
    return;
  }
  struct stat link{};
  if (::lstat(directory.path.c_str(), &link) == 0 && S_ISLNK(link.st_mode)) {
    remark(fmt::format("symlink leaves directory: {}", directory.path));
  }
  // Without such a user nobody can own anything; that is told elsewhere.
  const bool knows_owner = installation.rootless || directory.user == User::root || installation.owner.value_or(0) != 0;
  if (knows_owner && state.st_uid != user_id(installation, directory.user)) {
    const std::string name = installation.rootless ? "this user" : user_name(installation, directory.user);
    remark(fmt::format("not owned by {}: {}{}", name, directory.path, installation.rootless ? "" : kRemedy));
  }
  const auto group = group_id(installation, directory.group);
  if (group && state.st_gid != *group) {
    remark(
        fmt::format("not owned by group {}: {}{}", installation.config[param::setgid_group], directory.path, kRemedy));
  }
  if ((state.st_mode & directory.forbidden) != 0) {
    remark(fmt::format("{}: {}{}",
                       (directory.forbidden & 077) == 022 ? "group or other writable" : "open to others than its owner",
                       directory.path, kRemedy));
  }
  const mode_t needed = directory.mode & 0777;
  if ((state.st_mode & needed) != needed) {
    remark(fmt::format("mode {:04o} lacks what {:04o} allows: {}{}", state.st_mode & 07777, directory.mode,
                       directory.path, kRemedy));
  }
}

void check_program(const Installation& installation, const std::string& path, Tally& tally) {
  struct stat state{};
  if (::stat(path.c_str(), &state) != 0) return;
  if (installation.setgid_group && state.st_gid != *installation.setgid_group) {
    ++tally.warnings;
    warn(fmt::format("not owned by group {}: {}{}", installation.config[param::setgid_group], path, kRemedy));
  }
  if ((state.st_mode & (S_ISGID | 0111)) != (S_ISGID | 0111)) {
    ++tally.warnings;
    warn(fmt::format("not set-gid or not owner+group+world executable: {}{}", path, kRemedy));
  }
}

// What root runs or believes must be root's alone.
void check_roots(const std::string& path, Tally& tally) {
  struct stat state{};
  if (::stat(path.c_str(), &state) != 0) return;
  if (state.st_uid != 0) {
    ++tally.warnings;
    warn(fmt::format("not owned by root: {}", path));
  }
  if ((state.st_mode & 022) != 0) {
    ++tally.warnings;
    warn(fmt::format("group or other writable: {}", path));
  }
}

// Every user's commands read them; a daemon does, too, after it has become mail_owner.
void check_readable(const std::string& path, Tally& tally) {
  struct stat state{};
  if (::stat(path.c_str(), &state) != 0) return;
  const mode_t needed = S_ISDIR(state.st_mode) ? 0011 : 0044;
  if ((state.st_mode & needed) == needed) return;
  ++tally.warnings;
  warn(fmt::format("not readable for everyone: {}; sendmail and mailq fail for users: \"chmod a+{} {}\"", path,
                   S_ISDIR(state.st_mode) ? "rx" : "r", path));
}

// All that root starts: whoever can change it is root.
void check_programs(const std::string& directory, Tally& tally) {
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(directory.c_str()), ::closedir);
  if (!list) return;
  while (const dirent* entry = ::readdir(list.get())) {
    const std::string path = fmt::format("{}/{}", directory, entry->d_name);
    struct stat state{};
    if (::stat(path.c_str(), &state) == 0 && S_ISREG(state.st_mode)) check_roots(path, tally);
  }
}

}  // namespace

std::vector<Directory> directories(const Installation& installation) {
  const std::string& queue = installation.queue_directory;
  std::vector<Directory> all = {{queue, User::root, Group::any, 0755, 022, false}};
  for (const char* name :
       {"incoming", "active", "bounce", "corrupt", "defer", "deferred", "flush", "hold", "saved", "spare", "trace"}) {
    all.push_back({fmt::format("{}/{}", queue, name), User::owner, Group::any, 0700, 022, true});
  }
  // The files in maildrop belong to their senders, which is how pickup knows them.
  all.push_back({queue + "/maildrop", User::owner, Group::setgid, 0730, 0007, false});
  all.push_back({queue + "/public", User::owner, Group::setgid, 0710, 022, false});
  all.push_back({queue + "/private", User::owner, Group::any, 0700, 077, false});
  all.push_back({queue + "/pid", User::root, Group::any, 0755, 022, false});
  all.push_back({installation.data_directory, User::owner, Group::any, 0700, 022, true});
  return all;
}

std::vector<std::string> setgid_programs(const Installation& installation) {
  std::vector<std::string> paths;
  for (const char* name : {"postdrop", "postqueue", "postlog"}) {
    paths.push_back(fmt::format("{}/{}", installation.command_directory, name));
  }
  return paths;
}

bool create_missing(const Installation& installation) {
  bool good = true;
  for (const Directory& directory : directories(installation)) good = create(installation, directory) && good;
  return good;
}

void check_ownership(const Installation& installation, Tally& tally) {
  for (const Directory& directory : directories(installation)) check_directory(installation, directory, tally);
  if (installation.rootless) return;
  for (const std::string& path : setgid_programs(installation)) check_program(installation, path, tally);
  for (const std::string& path :
       {installation.config_directory, installation.config_directory + "/main.cf",
        installation.config_directory + "/master.cf", installation.command_directory, installation.daemon_directory}) {
    check_roots(path, tally);
  }
  check_readable(installation.config_directory, tally);
  check_readable(installation.config_directory + "/main.cf", tally);
  check_programs(installation.daemon_directory, tally);
  for (const char* name : {"postfix", "postdrop", "postqueue", "postlog", "postsuper", "postconf", "sendmail"}) {
    check_roots(fmt::format("{}/{}", installation.command_directory, name), tally);
  }
}

bool set_permissions(const Installation& installation) {
  bool good = create_missing(installation);
  for (const Directory& directory : directories(installation)) good = mend_directory(installation, directory) && good;
  if (installation.rootless) return good;
  for (const std::string& path : setgid_programs(installation)) good = mend_program(installation, path) && good;
  return good;
}

}  // namespace postfix
