#pragma once
// Inside the library: the file that a builder writes, until it takes the old one's place.

#include <expected>
#include <optional>
#include <string>

#include "base/fd.h"
#include "base/file.h"
#include "table/index_file.h"

namespace table {

class BuildTarget {
 public:
  // `path` is the final name. The file being built is empty, and nobody else builds the same one meanwhile.
  static std::expected<BuildTarget, Error> create(const std::string& path, LockStyle style,
                                                  const base::ReplacementFile::Ownership& ownership);
  BuildTarget(BuildTarget&&) noexcept;
  BuildTarget& operator=(BuildTarget&&) = delete;
  ~BuildTarget();

  const std::string& path() const { return path_; }
  const std::string& building_path() const;  // for libraries that open files by name
  int fd() const;

  // `held`: a descriptor through which the caller holds an exclusive lock on the old file, or -1.
  std::expected<void, Error> commit(int held = -1);

 private:
  BuildTarget(std::string path, LockStyle style);
  std::expected<void, Error> copy_over_old_file(int held);

  std::string path_;
  LockStyle style_;
  std::optional<base::ReplacementFile> beside_;
  // Where the directory is closed to us.
  std::string elsewhere_;
  base::Fd elsewhere_fd_;
};

// Owner and mode of the file that is there, else `ownership`.
base::ReplacementFile::Ownership keep_ownership(const std::string& path,
                                                const base::ReplacementFile::Ownership& ownership);

// Copies all of `from` to the start of `to`, which must be empty; both are files.
std::expected<void, Error> copy_content(int from, int to, const std::string& path_for_error);

}  // namespace table
