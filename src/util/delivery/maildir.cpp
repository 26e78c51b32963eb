#include "delivery/maildir.h"

#include <dirent.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "logging/log.h"

namespace delivery {

namespace {

constexpr mode_t kDirectoryMode = 0700;
constexpr mode_t kFileMode = 0600;

std::unexpected<MailboxError> failed(std::string_view what, int number) {
  return std::unexpected(MailboxError{number, base::with_errno(what, number)});
}
std::unexpected<MailboxError> failed(std::string_view what, const disk::Error& error) {
  return failed(what, error.number);
}

// "a/b/" and "a/b" -> "a/"; nothing above the first component.
std::string parent_of(std::string_view directory) {
  while (directory.ends_with('/')) directory.remove_suffix(1);
  const auto slash = directory.rfind('/');
  if (slash == std::string_view::npos) return ".";
  return slash == 0 ? "/" : std::string(directory.substr(0, slash));
}

// Makes the directory, and those above it that are missing; each is durable in its parent before it is used.
disk::Result<void> make_directory(disk::Disk& disk, const std::string& directory) {
  auto made = disk.make_directory("maildir.make_directory", directory, kDirectoryMode);
  const std::string parent = parent_of(directory);
  if (!made && made.error().number == ENOENT && parent.size() < directory.size() && parent != "/" && parent != ".") {
    if (auto above = make_directory(disk, parent); !above) return above;
    made = disk.make_directory("maildir.make_directory", directory, kDirectoryMode);
  }
  if (!made) return made.error().number == EEXIST ? disk::Result<void>{} : made;
  auto synced = disk.sync_directory("maildir.sync_parent", parent);
  // A folder that we may write to and not list. The usual file systems keep a new name when what it names is synced.
  if (!synced && synced.error().number == EACCES) return {};
  return synced;
}

disk::Result<void> make_maildir(disk::Disk& disk, const std::string& directory) {
  for (const char* part : {"tmp", "new", "cur"}) {
    if (auto made = make_directory(disk, directory + part); !made) return made;
  }
  return {};
}

// Whether a directory entry is this message with its flags: "<name>" or "<name>:2,FLAGS".
bool is_name_with_flags(std::string_view entry, std::string_view name) {
  return entry.starts_with(name) && (entry.size() == name.size() || entry.substr(name.size()).starts_with(":2,"));
}

// Where an earlier attempt's message lies: "new" or "cur"; nothing when there is none. A folder that cannot be read is
// an error: to guess might be to deliver twice.
std::expected<std::optional<std::string>, MailboxError> find_delivered(const MaildirTarget& target) {
  struct stat status{};
  const std::string in_new = target.directory + "new/" + target.name;
  if (::lstat(in_new.c_str(), &status) == 0) return "new";
  if (errno != ENOENT && errno != ENOTDIR) return failed("look for maildir file " + in_new, errno);
  const std::string current = target.directory + "cur";
  DIR* const entries = ::opendir(current.c_str());
  if (entries == nullptr) {
    if (errno == ENOENT || errno == ENOTDIR) return std::nullopt;
    return failed("open maildir folder " + current, errno);
  }
  bool found = false;
  int reason = 0;
  while (!found) {
    errno = 0;
    const dirent* const entry = ::readdir(entries);
    if (entry == nullptr) {
      reason = errno;
      break;
    }
    found = is_name_with_flags(entry->d_name, target.name);
  }
  ::closedir(entries);
  if (reason != 0) return failed("read maildir folder " + current, reason);
  if (found) return "cur";
  return std::nullopt;
}

// Creates tmp/<name>. What lies there was left by an attempt that did not get to its end.
disk::Result<base::Fd> create_temporary(disk::Disk& disk, const MaildirTarget& target, const std::string& path) {
  auto fd = disk.create("maildir.create", path, kFileMode);
  if (!fd && fd.error().number == ENOENT) {
    if (auto made = make_maildir(disk, target.directory); !made) return std::unexpected(made.error());
    fd = disk.create("maildir.create", path, kFileMode);
  }
  if (!fd && fd.error().number == EEXIST) {
    if (auto gone = disk.unlink("maildir.unlink_leftover", path); !gone) return std::unexpected(gone.error());
    fd = disk.create("maildir.create", path, kFileMode);
  }
  return fd;
}

// A file in tmp/ that goes unless it came to its end; also when the message turns out to be damaged half-way.
class Temporary {
 public:
  Temporary(disk::Disk& disk, const std::string& path) : disk_(disk), path_(path) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (kept_) return;
    if (const auto gone = disk_.unlink("maildir.unlink", path_); !gone) {
      logging::warning("maildir.leftover", "{error}", {{"error", gone.error().text}});
    }
  }
  void keep() { kept_ = true; }

 private:
  disk::Disk& disk_;
  const std::string& path_;
  bool kept_ = false;
};

// All of the message, durable, in the file; which is closed.
MailboxResult fill(disk::Disk& disk, base::Fd fd, const MaildirTarget& target, const std::string& path,
                   const TextWriter& write) {
  std::int64_t size = 0;
  const auto written = write([&](std::string_view piece) -> disk::Result<void> {
    size += static_cast<std::int64_t>(piece.size());
    if (target.size_limit > 0 && size > target.size_limit) {
      return std::unexpected(disk::Error{EFBIG, base::with_errno("write " + path, EFBIG)});
    }
    return disk.write("maildir.write", fd.get(), piece);
  });
  if (!written) return failed("write maildir file " + path, written.error());
  if (const auto synced = disk.sync("maildir.sync", fd.get()); !synced) {
    return failed("sync maildir file " + path, synced.error());
  }
  if (const auto closed = disk.close("maildir.close", std::move(fd)); !closed) {
    return failed("close maildir file " + path, closed.error());
  }
  return {};
}

disk::Result<void> publish(disk::Disk& disk, const MaildirTarget& target, const std::string& from,
                           const std::string& to) {
  auto renamed = disk.rename("maildir.rename", from, to);
  if (!renamed && renamed.error().number == ENOENT) {  // tmp was there, new was not
    if (auto made = make_maildir(disk, target.directory); !made) return made;
    renamed = disk.rename("maildir.rename", from, to);
  }
  return renamed;
}

}  // namespace

MailboxResult deliver_to_maildir(disk::Disk& disk, const MaildirTarget& target, const TextWriter& write) {
  const std::string temporary = target.directory + "tmp/" + target.name;
  const std::string final_path = target.directory + "new/" + target.name;

  if (!target.fresh) {
    const auto found = find_delivered(target);
    if (!found) return std::unexpected(found.error());
    if (*found) {
      // The attempt that put it there may have ended before it was durable.
      const std::string folder = target.directory + **found;
      if (const auto synced = disk.sync_directory("maildir.sync_found", folder); !synced) {
        return failed("sync maildir folder " + folder, synced.error());
      }
      return {};
    }
  }

  auto fd = create_temporary(disk, target, temporary);
  if (!fd) return failed("create maildir file " + temporary, fd.error());
  Temporary unfinished(disk, temporary);
  if (auto filled = fill(disk, std::move(*fd), target, temporary, write); !filled) return filled;
  if (const auto published = publish(disk, target, temporary, final_path); !published) {
    return failed("create maildir file " + final_path, published.error());
  }
  unfinished.keep();
  // Not durable yet, and said to be not delivered: the next attempt finds it by its name.
  if (const auto synced = disk.sync_directory("maildir.sync_new", target.directory + "new"); !synced) {
    return failed("sync maildir folder " + target.directory + "new", synced.error());
  }
  return {};
}

}  // namespace delivery
