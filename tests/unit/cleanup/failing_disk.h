#pragma once
// The real disk, but for one step that fails.

#include "disk/disk.h"

class FailingDisk : public disk::Disk {
 public:
  void fail_at(disk::Step step, int error) {
    step_ = step;
    error_ = error;
    failures_ = 0;
  }
  int failures() const { return failures_; }

  disk::Result<base::Fd> create(disk::Step step, const std::string& path, mode_t mode) override {
    return fails(step) ? failure() : disk::real().create(step, path, mode);
  }
  disk::Result<base::Fd> open_append(disk::Step step, const std::string& path, mode_t mode) override {
    return fails(step) ? failure() : disk::real().open_append(step, path, mode);
  }
  disk::Result<void> write(disk::Step step, int fd, std::string_view content) override {
    return fails(step) ? failure() : disk::real().write(step, fd, content);
  }
  disk::Result<void> write_at(disk::Step step, int fd, std::string_view content, off_t offset) override {
    return fails(step) ? failure() : disk::real().write_at(step, fd, content, offset);
  }
  disk::Result<void> truncate(disk::Step step, int fd, off_t size) override {
    return fails(step) ? failure() : disk::real().truncate(step, fd, size);
  }
  disk::Result<void> sync(disk::Step step, int fd) override {
    return fails(step) ? failure() : disk::real().sync(step, fd);
  }
  disk::Result<void> sync_directory(disk::Step step, const std::string& directory) override {
    return fails(step) ? failure() : disk::real().sync_directory(step, directory);
  }
  disk::Result<void> close(disk::Step step, base::Fd fd) override {
    const bool fail = fails(step);
    auto closed = disk::real().close(step, std::move(fd));
    return fail ? failure() : closed;
  }
  disk::Result<void> rename(disk::Step step, const std::string& from, const std::string& to) override {
    return fails(step) ? failure() : disk::real().rename(step, from, to);
  }
  disk::Result<void> link(disk::Step step, const std::string& from, const std::string& to) override {
    return fails(step) ? failure() : disk::real().link(step, from, to);
  }
  disk::Result<void> unlink(disk::Step step, const std::string& path) override {
    return fails(step) ? failure() : disk::real().unlink(step, path);
  }
  disk::Result<void> make_directory(disk::Step step, const std::string& path, mode_t mode) override {
    return fails(step) ? failure() : disk::real().make_directory(step, path, mode);
  }
  disk::Result<void> remove_directory(disk::Step step, const std::string& path) override {
    return fails(step) ? failure() : disk::real().remove_directory(step, path);
  }
  disk::Result<void> set_mode(disk::Step step, int fd, mode_t mode) override {
    return fails(step) ? failure() : disk::real().set_mode(step, fd, mode);
  }
  disk::Result<void> set_mode(disk::Step step, const std::string& path, mode_t mode) override {
    return fails(step) ? failure() : disk::real().set_mode(step, path, mode);
  }
  disk::Result<void> set_owner(disk::Step step, int fd, uid_t uid, gid_t gid) override {
    return fails(step) ? failure() : disk::real().set_owner(step, fd, uid, gid);
  }
  disk::Result<void> set_times(disk::Step step, const std::string& path, std::time_t both) override {
    return fails(step) ? failure() : disk::real().set_times(step, path, both);
  }
  disk::Result<void> set_times(disk::Step step, int fd, std::time_t both) override {
    return fails(step) ? failure() : disk::real().set_times(step, fd, both);
  }

 private:
  bool fails(disk::Step step) {
    if (step_.empty() || step != step_) return false;
    ++failures_;
    return true;
  }
  std::unexpected<disk::Error> failure() const {
    return std::unexpected(disk::Error{error_, base::with_errno(step_, error_)});
  }

  disk::Step step_;
  int error_ = 0;
  int failures_ = 0;
};
