#pragma once
// Every change to a file system that mail depends on, each under a name of its own: a crash point. Programs use the
// real one; tests replace it by one that fails, or by one that forgets what was not fsync'ed.

#include <sys/types.h>

#include <ctime>
#include <expected>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace disk {

// The kernel's reason is kept: a full disk, a quota and a broken disk are told apart by it.
struct Error {
  int number;        // errno
  std::string text;  // "rename incoming/1.2: No space left on device"
};
template <typename T>
using Result = std::expected<T, Error>;

// Names the step for tests and for people: "cleanup.create", "queue.commit.sync". A literal.
using Step = std::string_view;

class Disk {
 public:
  virtual ~Disk() = default;

  // O_CREAT|O_EXCL|O_RDWR, never through a link.
  virtual Result<base::Fd> create(Step step, const std::string& path, mode_t mode) = 0;
  // O_CREAT|O_APPEND|O_RDWR: a log or a mailbox; no link is followed at the end of the path.
  virtual Result<base::Fd> open_append(Step step, const std::string& path, mode_t mode) = 0;

  // All of it, or an error; after an error nobody knows how much.
  virtual Result<void> write(Step step, int fd, std::string_view content) = 0;
  virtual Result<void> write_at(Step step, int fd, std::string_view content, off_t offset) = 0;
  virtual Result<void> truncate(Step step, int fd, off_t size) = 0;
  // fsync, off the loop. Its failure is final: the caller gives the file up, for a second fsync may lie.
  virtual Result<void> sync(Step step, int fd) = 0;
  virtual Result<void> sync_directory(Step step, const std::string& directory) = 0;
  virtual Result<void> close(Step step, base::Fd fd) = 0;  // whose error counts like a write's

  virtual Result<void> rename(Step step, const std::string& from, const std::string& to) = 0;
  virtual Result<void> link(Step step, const std::string& from, const std::string& to) = 0;
  virtual Result<void> unlink(Step step, const std::string& path) = 0;
  virtual Result<void> make_directory(Step step, const std::string& path, mode_t mode) = 0;
  virtual Result<void> remove_directory(Step step, const std::string& path) = 0;

  virtual Result<void> set_mode(Step step, int fd, mode_t mode) = 0;
  virtual Result<void> set_mode(Step step, const std::string& path, mode_t mode) = 0;
  virtual Result<void> set_owner(Step step, int fd, uid_t uid, gid_t gid) = 0;
  virtual Result<void> set_times(Step step, const std::string& path, std::time_t both) = 0;  // atime and mtime
  virtual Result<void> set_times(Step step, int fd, std::time_t both) = 0;
};

// The one that changes the world. Lives for ever.
Disk& real();

}  // namespace disk
