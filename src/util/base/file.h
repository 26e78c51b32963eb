#pragma once
// Whole files: read one, replace one so that every reader sees the old or the new one and a power cut leaves one of
// them.

#include <sys/stat.h>

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"

namespace base {

// Opens for reading. The error text is "open <path>: <reason>".
std::expected<Fd, Error> open_for_reading(const std::string& path);

// The whole content; an error when it is longer than `limit` bytes.
std::expected<std::string, Error> read_file(const std::string& path, std::size_t limit);

std::expected<struct stat, Error> stat_of(const std::string& path);  // follows links

// Writes everything, however often the kernel takes only a part.
std::expected<void, Error> write_fully(int fd, std::string_view content, std::string_view path_for_error);

// Makes the directory entry of `path` durable.
std::expected<void, Error> sync_directory_of(const std::string& path);

// A file that is built beside its final name. Without commit() the destructor removes it, and the old file is
// untouched. The temporary name is <path>.tmp; a second builder of the same file waits for the first one's lock, for 10
// minutes at most, and a leftover of a crashed builder is reused.
class ReplacementFile {
 public:
  // Owner and mode are those given, whatever the umask; an owner is set only when the process runs as root.
  struct Ownership {
    uid_t uid;
    gid_t gid;
    mode_t mode;
  };
  static std::expected<ReplacementFile, Error> create(const std::string& path, const Ownership& ownership);

  ReplacementFile(ReplacementFile&&) noexcept;
  ReplacementFile& operator=(ReplacementFile&&) = delete;
  ~ReplacementFile();

  int fd() const { return fd_.get(); }
  const std::string& temporary_path() const { return temporary_; }

  // fsync, rename over the final name, fsync the directory. Errors leave the old file in place; only the last step's
  // error means that the new file is there but might not survive a power cut.
  std::expected<void, Error> commit();

 private:
  ReplacementFile(std::string path, std::string temporary, Fd fd);
  std::string path_;
  std::string temporary_;
  Fd fd_;
};

}  // namespace base
