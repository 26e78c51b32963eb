#include "queue/message_writer.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/error.h"
#include "io/offload.h"
#include "logging/log.h"
#include "queue/spare.h"
#include "queue/steps.h"

namespace queue {

namespace {

// Clashing with a leftover of the same microsecond and process id is rare; clashing this often is something else.
constexpr int kNamesToTry = 20;
constexpr std::size_t kBufferSize = std::size_t{32} * 1024;
constexpr std::time_t kMuchBehind = 100;  // seconds: worth a word

disk::Error errno_error(std::string_view call, std::string_view path) {
  const int number = errno;
  return {number, base::with_errno(fmt::format("{} {}", call, path), number)};
}

// Gone when it goes out of scope, unless it got its final name.
class Temporary {
 public:
  Temporary(disk::Disk& disk, std::string path) : disk_(disk), path_(std::move(path)) {}
  Temporary(const Temporary&) = delete;
  Temporary& operator=(const Temporary&) = delete;
  ~Temporary() {
    if (!path_.empty()) (void)disk_.unlink(step::kAbandon, path_);
  }
  void renamed_to(std::string path) { path_ = std::move(path); }
  void keep() { path_.clear(); }

 private:
  disk::Disk& disk_;
  std::string path_;
};

Id make_id(const Spool& spool, std::uint64_t inode) {
  const TimeStamp named = now();
  return spool.settings().long_ids ? Id::make_long(named, inode) : Id::make_short(named, inode);
}

disk::Result<void> remove_stale_logs(const Spool& spool, const Id& id) {
  for (const Folder log : {Folder::bounce, Folder::defer, Folder::trace}) {
    if (auto removed = spool.remove(step::kCreateStale, log, id); !removed) return removed;
  }
  return {};
}

}  // namespace

disk::Result<MessageWriter> MessageWriter::create(const Spool& spool, Folder folder, Modes modes) {
  disk::Disk& disk = spool.disk();
  for (int attempt = 1;; ++attempt) {
    const TimeStamp created = now();
    const std::string first_name = fmt::format("{}/{}.{}", name_of(folder), created.microseconds, ::getpid());
    auto fd = disk.create(step::kCreate, first_name, modes.writing);
    if (!fd && fd.error().number == EEXIST && attempt < kNamesToTry) continue;
    if (!fd) return std::unexpected(fd.error());
    Temporary file(disk, first_name);

    struct stat status{};
    if (::fstat(fd->get(), &status) != 0) return std::unexpected(errno_error("look at", first_name));
    const Id id = make_id(spool, status.st_ino);
    const std::string path = spool.path(folder, id);
    auto renamed = disk.rename(step::kCreateName, first_name, path);
    bool made_directory = false;
    if (!renamed && renamed.error().number == ENOENT) {
      const auto made = spool.make_directories(step::kCreateHash, folder, id);
      if (!made) return std::unexpected(made.error());
      made_directory = *made;
      renamed = disk.rename(step::kCreateName, first_name, path);
    }
    if (!renamed) return std::unexpected(renamed.error());
    file.renamed_to(path);
    if (folder != Folder::maildrop) {
      if (auto removed = remove_stale_logs(spool, id); !removed) return std::unexpected(removed.error());
    }
    file.keep();
    MessageWriter writer(spool, folder, modes, id, std::move(*fd), created);
    writer.take_name();
    writer.made_directory_ = made_directory;
    // While the message is still on its way to us: a lone one then waits for one fsync only.
    if (folder != Folder::maildrop) writer.name_->begin(step::kCommitName);
    return writer;
  }
}

disk::Result<MessageWriter> MessageWriter::create_over(const Spool& spool, Folder folder, std::string_view spare_name) {
  const TimeStamp created = now();
  auto spare = open_spare(spare_name);
  if (!spare) return std::unexpected(spare.error());
  const Id id = make_id(spool, spare->inode);
  if (auto removed = remove_stale_logs(spool, id); !removed) return std::unexpected(removed.error());
  MessageWriter writer(spool, folder, kQueueModes, id, std::move(spare->fd), created);
  writer.spare_ = spare_path(spare_name);
  writer.old_size_ = spare->size;
  writer.mode_ = spare->mode;
  return writer;
}

MessageWriter::MessageWriter(const Spool& spool, Folder folder, Modes modes, Id id, base::Fd fd, TimeStamp created)
    : spool_(&spool), folder_(folder), modes_(modes), id_(std::move(id)), fd_(std::move(fd)), created_(created) {}

MessageWriter::MessageWriter(MessageWriter&&) noexcept = default;

MessageWriter::~MessageWriter() {
  if (fd_) abandon();
}

void MessageWriter::take_name() {
  std::string directory = spool_->directory(folder_, id_);
  directory.pop_back();
  name_.emplace(spool_->syncs(), directory);
}

void MessageWriter::abandon() noexcept {
  fd_.reset();
  try {
    const auto removed =
        spare_.empty() ? spool_->remove(step::kAbandon, folder_, id_) : spool_->disk().unlink(step::kAbandon, spare_);
    if (!removed) logging::warning("queue.abandon_failed", "{reason}", {{"reason", removed.error().text}});
  } catch (const std::exception&) {
    // No memory for a path: the file stays behind in a mode in which nobody looks at it.
  }
}

std::unexpected<disk::Error> MessageWriter::fail(disk::Error error) {
  if (!failure_) failure_ = std::move(error);
  return std::unexpected(*failure_);
}

disk::Result<void> MessageWriter::append(RecordType type, std::string_view data) {
  if (failure_) return std::unexpected(*failure_);
  append_record(buffer_, type, data);
  size_ += static_cast<std::int64_t>(encoded_size(data.size()));
  return buffer_.size() < kBufferSize ? disk::Result<void>{} : flush();
}

disk::Result<void> MessageWriter::append_encoded(std::string_view records) {
  if (failure_) return std::unexpected(*failure_);
  buffer_.append(records);
  size_ += static_cast<std::int64_t>(records.size());
  return buffer_.size() < kBufferSize ? disk::Result<void>{} : flush();
}

disk::Result<void> MessageWriter::flush() {
  if (failure_) return std::unexpected(*failure_);
  if (buffer_.empty()) return {};
  if (auto written = spool_->disk().write(step::kWrite, fd_.get(), buffer_); !written) return fail(written.error());
  buffer_.clear();
  return {};
}

disk::Result<void> MessageWriter::overwrite(std::int64_t offset, std::string_view bytes) {
  if (failure_) return std::unexpected(*failure_);
  if (offset < 0 || offset + static_cast<std::int64_t>(bytes.size()) > size_) {
    return fail({EINVAL, base::with_errno(fmt::format("overwrite {} at offset {}", id_.text(), offset), EINVAL)});
  }
  const std::int64_t in_file = size_ - static_cast<std::int64_t>(buffer_.size());
  if (offset >= in_file) {
    buffer_.replace(static_cast<std::size_t>(offset - in_file), bytes.size(), bytes);
    return {};
  }
  if (offset + static_cast<std::int64_t>(bytes.size()) > in_file) {
    if (auto flushed = flush(); !flushed) return flushed;
  }
  if (auto written = spool_->disk().write_at(step::kOverwrite, fd_.get(), bytes, offset); !written) {
    return fail(written.error());
  }
  return {};
}

disk::Result<void> MessageWriter::commit(Folder destination, mode_t extra_mode) {
  auto result = commit_steps(destination, extra_mode);
  if (!result) abandon();
  return result;
}

disk::Result<void> MessageWriter::commit_steps(Folder destination, mode_t extra_mode) {
  // The whole of it on one worker: handing each step over by itself costs more than a small fsync.
  auto written = io::offload([&] { return commit_file(destination, extra_mode); });
  if (!written) return written;
  if (auto named = commit_name(); !named) return named;
  tell_clocks();
  if (auto closed = spool_->disk().close(step::kCommitClose, std::move(fd_)); !closed) return fail(closed.error());
  return {};
}

// While nobody else looks at the file: once it is ready, another time may be the queue manager's. Runs on a worker.
void MessageWriter::compare_clocks() {
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return;
  const std::time_t time = now().seconds;
  file_ahead_ = status.st_mtime - time;
  if (file_ahead_ > 1) (void)spool_->disk().set_times(step::kCommitTime, fd_.get(), time);  // else it waits
}

// Once a process, and never to users.
void MessageWriter::tell_clocks() const {
  static bool told_ahead = false;
  static bool told_behind = false;
  if (folder_ == Folder::maildrop) return;
  if (file_ahead_ > 1 && !std::exchange(told_ahead, true)) {
    logging::warning(
        "queue.clock",
        "file system clock is {seconds} seconds ahead of local clock: queue files are given the local time",
        {{"seconds", file_ahead_}});
  }
  if (file_ahead_ < -kMuchBehind && !std::exchange(told_behind, true)) {
    logging::warning("queue.clock", "file system clock is {seconds} seconds behind local clock",
                     {{"seconds", -file_ahead_}});
  }
}

disk::Result<void> MessageWriter::commit_file(Folder destination, mode_t extra_mode) {
  const mode_t mode = modes_.ready | extra_mode;
  if (!spare_.empty()) {
    if (auto synced = sync_as(mode); !synced) return synced;
    return leave_spares(destination);
  }
  if (auto flushed = flush(); !flushed) return flushed;
  // While the mode still says "writing" nobody takes the file, neither from here nor from there.
  if (destination != folder_) {
    const auto made = spool_->make_directories(step::kCreateHash, destination, id_);
    if (!made) return fail(made.error());
    if (auto moved = spool_->move(step::kCommitMove, id_, folder_, destination); !moved) return fail(moved.error());
    folder_ = destination;
    made_directory_ = *made;
    moved_ = true;
  }
  return sync_as(mode);
}

// All that was written, nothing else, and this mode: durable.
disk::Result<void> MessageWriter::sync_as(mode_t mode) {
  disk::Disk& disk = spool_->disk();
  if (auto flushed = flush(); !flushed) return flushed;
  if (old_size_ > size_) {
    if (auto cut = disk.truncate(step::kCommitCut, fd_.get(), size_); !cut) return fail(cut.error());
    old_size_ = 0;
  }
  if (mode != modes_.writing) compare_clocks();
  if (mode_ != mode) {
    if (auto set = disk.set_mode(step::kCommitMode, fd_.get(), mode); !set) return fail(set.error());
    mode_ = mode;
  }
  if (auto synced = disk.sync(step::kCommitSync, fd_.get()); !synced) return fail(synced.error());
  return {};
}

// The name comes last: what it leads to after a power cut is the new message and not the old one.
disk::Result<void> MessageWriter::leave_spares(Folder destination) {
  const auto made = spool_->make_directories(step::kCreateHash, destination, id_);
  if (!made) return fail(made.error());
  if (auto moved = spool_->disk().rename(step::kCommitMove, spare_, spool_->path(destination, id_)); !moved) {
    return fail(moved.error());
  }
  spare_.clear();
  folder_ = destination;
  made_directory_ = *made;
  moved_ = true;
  return {};
}

disk::Result<void> MessageWriter::show() {
  if (spare_.empty()) return flush();
  if (auto synced = sync_as(modes_.writing); !synced) return synced;
  return leave_spares(folder_);
}

disk::Result<void> MessageWriter::commit_name() {
  if (moved_) take_name();
  // The set-gid postdrop may write to maildrop but not read it, and only what can be opened for reading can be synced.
  // The fsync of the file was after its name's, and journals keep that order.
  const auto is_closed_to_us = [this](const disk::Error& error) {
    return folder_ == Folder::maildrop && error.number == EACCES;
  };
  auto named = name_->make_durable(step::kCommitName);
  if (!named && !is_closed_to_us(named.error())) return fail(named.error());
  // Where hash directories are new, those above have their names.
  std::string directory = spool_->directory(folder_, id_);
  directory.pop_back();
  for (auto slash = directory.rfind('/'); made_directory_ && slash != std::string::npos; slash = directory.rfind('/')) {
    directory.resize(slash);
    named = spool_->disk().sync_directory(step::kCommitName, directory);
    if (!named && !is_closed_to_us(named.error())) return fail(named.error());
  }
  return {};
}

}  // namespace queue
