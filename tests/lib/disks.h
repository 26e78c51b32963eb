#pragma once
// Disks for tests: one that fails when told to, and one that forgets what was not fsync'ed. Both change the real file
// system underneath, so that readers see what they would see; they wrap each other.

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "disk/disk.h"

namespace tests {

// What happens after the failure: the next step works again, or nothing ever does, as after a kill -9 or a power cut
// (whatever the code under test still tries in its destructors does not reach the disk).
enum class Then { recovers, dead };

// Fails the N-th step, or each step of a name. A write that fails has written half of it before.
class FailingDisk : public disk::Disk {
 public:
  explicit FailingDisk(disk::Disk& inner = disk::real()) : inner_(inner) {}

  // Steps are counted from now; the first is 1.
  void fail_at(int count, int number, Then then = Then::recovers) {
    taken_.clear();
    dead_ = false;
    step_.reset();
    count_ = count;
    number_ = number;
    then_ = then;
  }
  void fail_at(std::string_view step, int number, Then then = Then::recovers) {
    fail_at(0, number, then);
    step_ = std::string(step);
  }
  // All steps since fail_at() or the beginning, the failed ones included.
  const std::vector<std::string>& taken() const { return taken_; }
  bool failed() const { return failed_; }

  disk::Result<base::Fd> create(disk::Step step, const std::string& path, mode_t mode) override {
    if (fails(step)) return error(step);
    return inner_.create(step, path, mode);
  }
  disk::Result<base::Fd> open_append(disk::Step step, const std::string& path, mode_t mode) override {
    if (fails(step)) return error(step);
    return inner_.open_append(step, path, mode);
  }
  disk::Result<void> write(disk::Step step, int fd, std::string_view content) override {
    if (!fails(step)) return inner_.write(step, fd, content);
    if (!already_dead_) (void)inner_.write(step, fd, content.substr(0, content.size() / 2));
    return error(step);
  }
  disk::Result<void> write_at(disk::Step step, int fd, std::string_view content, off_t offset) override {
    if (!fails(step)) return inner_.write_at(step, fd, content, offset);
    if (!already_dead_) (void)inner_.write_at(step, fd, content.substr(0, content.size() / 2), offset);
    return error(step);
  }
  disk::Result<void> truncate(disk::Step step, int fd, off_t size) override {
    return fails(step) ? error(step) : inner_.truncate(step, fd, size);
  }
  disk::Result<void> sync(disk::Step step, int fd) override {
    return fails(step) ? error(step) : inner_.sync(step, fd);
  }
  disk::Result<void> sync_directory(disk::Step step, const std::string& directory) override {
    return fails(step) ? error(step) : inner_.sync_directory(step, directory);
  }
  // A close that fails has closed.
  disk::Result<void> close(disk::Step step, base::Fd fd) override {
    return fails(step) ? error(step) : inner_.close(step, std::move(fd));
  }
  disk::Result<void> rename(disk::Step step, const std::string& from, const std::string& to) override {
    return fails(step) ? error(step) : inner_.rename(step, from, to);
  }
  disk::Result<void> link(disk::Step step, const std::string& from, const std::string& to) override {
    return fails(step) ? error(step) : inner_.link(step, from, to);
  }
  disk::Result<void> unlink(disk::Step step, const std::string& path) override {
    return fails(step) ? error(step) : inner_.unlink(step, path);
  }
  disk::Result<void> make_directory(disk::Step step, const std::string& path, mode_t mode) override {
    return fails(step) ? error(step) : inner_.make_directory(step, path, mode);
  }
  disk::Result<void> remove_directory(disk::Step step, const std::string& path) override {
    return fails(step) ? error(step) : inner_.remove_directory(step, path);
  }
  disk::Result<void> set_mode(disk::Step step, int fd, mode_t mode) override {
    return fails(step) ? error(step) : inner_.set_mode(step, fd, mode);
  }
  disk::Result<void> set_mode(disk::Step step, const std::string& path, mode_t mode) override {
    return fails(step) ? error(step) : inner_.set_mode(step, path, mode);
  }
  disk::Result<void> set_owner(disk::Step step, int fd, uid_t uid, gid_t gid) override {
    return fails(step) ? error(step) : inner_.set_owner(step, fd, uid, gid);
  }
  disk::Result<void> set_times(disk::Step step, const std::string& path, std::time_t both) override {
    return fails(step) ? error(step) : inner_.set_times(step, path, both);
  }
  disk::Result<void> set_times(disk::Step step, int fd, std::time_t both) override {
    return fails(step) ? error(step) : inner_.set_times(step, fd, both);
  }

 private:
  bool fails(disk::Step step) {
    taken_.emplace_back(step);
    already_dead_ = dead_;
    if (dead_) return true;
    const bool now = step_ ? step == *step_ : static_cast<int>(taken_.size()) == count_;
    if (!now) return false;
    failed_ = true;
    dead_ = then_ == Then::dead;
    return true;
  }
  std::unexpected<disk::Error> error(disk::Step step) const {
    return std::unexpected(disk::Error{number_, std::string(step) + ": " + std::strerror(number_)});
  }

  disk::Disk& inner_;
  std::vector<std::string> taken_;
  std::optional<std::string> step_;
  int count_ = 0;
  int number_ = EIO;
  Then then_ = Then::recovers;
  bool failed_ = false;
  bool dead_ = false;
  bool already_dead_ = false;
};

// Knows what a power cut would leave of the working directory. What lies there when it is made counts as durable; from
// then on a file's content and mode are durable as of its last sync(), and a name as of its directory's last
// sync_directory(). Nothing else is: stricter than any real file system, on purpose.
class ForgetfulDisk final : public disk::Disk {
 public:
  explicit ForgetfulDisk(disk::Disk& inner = disk::real()) : inner_(inner) { remember_all("."); }

  enum class Loss {
    everything,  // names and contents that are not durable
    contents     // contents only: every change of a name or a mode reached the disk by itself
  };
  // The working directory becomes what it would be after the cut. Descriptors that are still open are of no use any
  // more.
  void lose_power(Loss loss) {
    if (loss == Loss::contents) {
      forget_contents(".");
    } else {
      restore(".");
    }
    files_.clear();
    names_.clear();
    remember_all(".");
  }

  disk::Result<base::Fd> create(disk::Step step, const std::string& path, mode_t mode) override {
    auto fd = inner_.create(step, path, mode);
    if (fd) files_[status_of(fd->get()).st_ino] = {"", mode};
    return fd;
  }
  disk::Result<base::Fd> open_append(disk::Step step, const std::string& path, mode_t mode) override {
    struct stat before{};
    const bool existed = ::lstat(path.c_str(), &before) == 0;
    auto fd = inner_.open_append(step, path, mode);
    if (fd && !existed) files_[status_of(fd->get()).st_ino] = {"", mode};
    return fd;
  }
  disk::Result<void> write(disk::Step step, int fd, std::string_view content) override {
    return inner_.write(step, fd, content);
  }
  disk::Result<void> write_at(disk::Step step, int fd, std::string_view content, off_t offset) override {
    return inner_.write_at(step, fd, content, offset);
  }
  disk::Result<void> truncate(disk::Step step, int fd, off_t size) override { return inner_.truncate(step, fd, size); }
  disk::Result<void> sync(disk::Step step, int fd) override {
    auto synced = inner_.sync(step, fd);
    if (synced) {
      const struct stat status = status_of(fd);
      files_[status.st_ino] = {content_of(fd), status.st_mode & 07777};
    }
    return synced;
  }
  disk::Result<void> sync_directory(disk::Step step, const std::string& directory) override {
    auto synced = inner_.sync_directory(step, directory);
    if (synced) names_[normal(directory)] = listing(directory);
    return synced;
  }
  disk::Result<void> close(disk::Step step, base::Fd fd) override { return inner_.close(step, std::move(fd)); }
  disk::Result<void> rename(disk::Step step, const std::string& from, const std::string& to) override {
    return inner_.rename(step, from, to);
  }
  disk::Result<void> link(disk::Step step, const std::string& from, const std::string& to) override {
    return inner_.link(step, from, to);
  }
  disk::Result<void> unlink(disk::Step step, const std::string& path) override { return inner_.unlink(step, path); }
  disk::Result<void> make_directory(disk::Step step, const std::string& path, mode_t mode) override {
    return inner_.make_directory(step, path, mode);
  }
  disk::Result<void> remove_directory(disk::Step step, const std::string& path) override {
    return inner_.remove_directory(step, path);
  }
  disk::Result<void> set_mode(disk::Step step, int fd, mode_t mode) override { return inner_.set_mode(step, fd, mode); }
  disk::Result<void> set_mode(disk::Step step, const std::string& path, mode_t mode) override {
    return inner_.set_mode(step, path, mode);
  }
  disk::Result<void> set_owner(disk::Step step, int fd, uid_t uid, gid_t gid) override {
    return inner_.set_owner(step, fd, uid, gid);
  }
  disk::Result<void> set_times(disk::Step step, const std::string& path, std::time_t both) override {
    return inner_.set_times(step, path, both);
  }
  disk::Result<void> set_times(disk::Step step, int fd, std::time_t both) override {
    return inner_.set_times(step, fd, both);
  }

 private:
  struct File {
    std::string content;
    mode_t mode;
  };
  struct Name {
    ino_t inode;
    bool is_directory;
  };
  using Names = std::map<std::string, Name>;

  static struct stat status_of(int fd) {
    struct stat status{};
    (void)::fstat(fd, &status);
    return status;
  }
  static std::string content_of(int fd) {
    std::string content(static_cast<std::size_t>(status_of(fd).st_size), '\0');
    const ssize_t got = ::pread(fd, content.data(), content.size(), 0);
    content.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return content;
  }
  static std::string content_of(const std::string& path) {
    const base::Fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    return fd ? content_of(fd.get()) : std::string();
  }
  static std::string normal(const std::string& path) { return std::filesystem::path(path).lexically_normal().string(); }
  static std::string join(const std::string& directory, const std::string& name) {
    return normal(directory + "/" + name);
  }

  static Names listing(const std::string& directory) {
    Names names;
    for (const auto& entry : std::filesystem::directory_iterator(directory)) {
      struct stat status{};
      if (::lstat(entry.path().c_str(), &status) != 0) continue;
      names[entry.path().filename().string()] = {status.st_ino, S_ISDIR(status.st_mode)};
    }
    return names;
  }

  void remember_all(const std::string& directory) {
    const Names& names = names_[normal(directory)] = listing(directory);
    for (const auto& [name, what] : names) {
      const std::string path = join(directory, name);
      struct stat status{};
      if (::lstat(path.c_str(), &status) != 0) continue;
      if (what.is_directory) {
        remember_all(path);
      } else if (S_ISREG(status.st_mode)) {
        files_[what.inode] = {content_of(path), status.st_mode & 07777};
      }
    }
  }

  static void put(const std::string& path, const File& file) {
    {
      std::ofstream stream(path, std::ios::binary | std::ios::trunc);
      stream.write(file.content.data(), static_cast<std::streamsize>(file.content.size()));
    }
    (void)::chmod(path.c_str(), file.mode);
  }

  void forget_contents(const std::string& directory) {
    for (const auto& [name, what] : listing(directory)) {
      const std::string path = join(directory, name);
      if (what.is_directory) {
        forget_contents(path);
        continue;
      }
      struct stat status{};
      (void)::lstat(path.c_str(), &status);
      put(path, {files_[what.inode].content, status.st_mode & 07777});
    }
  }

  void restore(const std::string& directory) {
    const Names durable = names_[normal(directory)];
    Names present = listing(directory);
    for (const auto& [name, what] : present) {
      const auto kept = durable.find(name);
      if (kept == durable.end() || kept->second.inode != what.inode) {
        std::filesystem::remove_all(join(directory, name));
      }
    }
    for (const auto& [name, what] : durable) {
      const std::string path = join(directory, name);
      if (what.is_directory) {
        (void)::mkdir(path.c_str(), 0700);
        restore(path);
      } else if (files_.contains(what.inode)) {
        put(path, files_[what.inode]);
      }
    }
  }

  disk::Disk& inner_;
  std::map<ino_t, File> files_;         // what is durable of each file
  std::map<std::string, Names> names_;  // and of each directory
};

}  // namespace tests
