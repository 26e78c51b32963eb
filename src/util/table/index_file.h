#pragma once
// Inside the library: what the types with an index file (hash, btree, lmdb, cdb) share: the file, its locks, and which
// form of a key is stored.

#include <sys/stat.h>

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "base/fd.h"
#include "base/root_folder.h"
#include "table/mapping.h"
#include "table/open.h"

namespace table {

// The kernel lock that Postfix takes on a file of the type: flock(2) on Berkeley DB files, fcntl(2) on LMDB files.
enum class LockStyle { flock, fcntl };
enum class LockKind { shared, exclusive };

class FileLock {
 public:
  // Waits for the lock, with patience for the rebuild of a large table by Postfix's in-place postmap (10 minutes).
  static std::expected<FileLock, Error> take(int fd, LockStyle style, LockKind kind, const std::string& path);
  FileLock(FileLock&& other) noexcept : fd_(std::exchange(other.fd_, -1)), style_(other.style_) {}
  FileLock& operator=(FileLock&&) = delete;
  ~FileLock();

 private:
  FileLock(int fd, LockStyle style) : fd_(fd), style_(style) {}
  int fd_;
  LockStyle style_;
};

// Which file this is and how old: a look at it tells whether a reader should open it again.
struct FileIdentity {
  dev_t device = 0;
  ino_t inode = 0;
  off_t size = 0;
  timespec modified{};

  static FileIdentity of(const struct stat& status);
  bool same_file(const FileIdentity& other) const { return device == other.device && inode == other.inode; }
  bool same_content(const FileIdentity& other) const;
};

class IndexFile {
 public:
  // "open database x.db: No such file or directory". Only regular files.
  static std::expected<IndexFile, Error> open(std::string path, Access access);

  int fd() const { return fd_.get(); }
  const std::string& path() const { return path_; }
  const FileIdentity& identity() const { return identity_; }  // when it was opened

  // All bytes of the file, valid until the next call. They are mapped, not read, so another look at the file's size
  // keeps the process from touching what somebody has cut off. The clock's tick (a few milliseconds) is how far apart
  // such looks may be, unless `least`, the size that the caller knows the file must have, is more than was mapped.
  std::expected<std::string_view, Error> bytes(std::size_t least = 0);

  // Whether all that was read since bytes() came from the file. What somebody had cut off meanwhile was read as zeros.
  std::expected<void, Error> check_whole(bool also_size) const;

  // Another file stands under the name, or none. In a chroot, where the name may mean something else: ours has none.
  bool replaced() const;
  bool changed() const;  // that, or other content

  // "database x.db is older than source file x", when it is and the source has been left alone for a while.
  void warn_if_older_than(const std::string& source) const;

 private:
  IndexFile(std::string path, base::Fd fd, const FileIdentity& identity);
  std::string path_;
  base::Fd fd_;
  FileIdentity identity_;
  base::RootFolder root_;  // in which path_ is its name
  std::optional<Mapping> map_;
  timespec looked_{};  // the tick of the last look at the size
};

// Keys and values may be stored with a NUL byte at their end (sendmail's way) or without. A reader that was not told
// tries both until a key is found; the form of that one is the table's.
class StoredForm {
 public:
  StoredForm(NulForm form, bool nul_by_default) : form_(form), nul_by_default_(nul_by_default) {}

  // Calls find(key in a stored form) -> std::expected<std::optional<T>, E>, once or twice.
  template <typename Find>
  auto find(std::string& key, Find find) {
    if (form_ != NulForm::never) {
      key.push_back('\0');
      auto found = find(std::string_view(key));
      key.pop_back();
      if (!found || *found) {
        if (found) form_ = NulForm::always;
        return found;
      }
      if (form_ == NulForm::always) return found;
    }
    auto found = find(std::string_view(key));
    if (found && *found) form_ = NulForm::never;
    return found;
  }

  // How a new entry is stored.
  bool writes_nul() const { return form_ == NulForm::either ? nul_by_default_ : form_ == NulForm::always; }

 private:
  NulForm form_;
  bool nul_by_default_;
};

// What is before the NUL byte: all that Postfix sees of a stored key or value.
std::string_view without_nul(std::string_view stored);

// The key as the table stores it, but for the NUL byte.
std::string folded(std::string_view key, const Options& options);

// Tells of an entry that exists already, and what becomes of it.
enum class Duplicate { keep_old, replace };
Duplicate on_duplicate(const Options& options, std::string_view table, std::string_view key);

}  // namespace table
