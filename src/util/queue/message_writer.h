#pragma once
// How a message becomes ours: the one way in which any program puts a message file on disk.
//
//   create       incoming/<usec>.<pid>, then renamed to its id, mode 0600: nobody looks at it
//   append       records, buffered
//   overwrite    the size record, once the sizes are known
//   commit       everything written, [moved to another folder], mode 0700, the file fsync'ed, its directory fsync'ed
//                since it got its name (which create may have begun, and messages share), closed. From here on the
//                message is ours and may be acknowledged.
//                Where the file system's clock is ahead of ours (a server's, over NFS) the file gets our time: one with
//                a time to come would have to wait for it.
//   (destructor) without commit: the file is removed
//
// A message that is written over a spare file (queue/spare.h) has its place there until it is committed:
//
//   create_over  spare/<name> locked, under the new id; nobody looks there
//   commit       everything written, cut to its size, mode 0700, fsync'ed; then renamed to its id in its folder, the
//                folder's directory fsync'ed, closed
//
// Any failure is final: the file is removed, nothing is tried again on that descriptor. The steps are those of
// queue/steps.h.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "disk/directory_syncs.h"
#include "disk/disk.h"
#include "queue/id.h"
#include "queue/record.h"
#include "queue/spool.h"

namespace queue {

class MessageWriter {
 public:
  struct Modes {
    mode_t writing;
    mode_t ready;
  };
  static constexpr Modes kQueueModes{mode::kWriting, mode::kReady};
  static constexpr Modes kMaildropModes{mode::kMaildropWriting, mode::kMaildropReady};
  // Left-over bounce, defer and trace logs of the same id are removed (not for maildrop). Gives up after a few names
  // that exist already: never a loop.
  static disk::Result<MessageWriter> create(const Spool& spool, Folder folder, Modes modes = kQueueModes);

  // The same over a spare file. Any error means: take another one, or none; nothing has changed.
  static disk::Result<MessageWriter> create_over(const Spool& spool, Folder folder, std::string_view spare_name);

  MessageWriter(MessageWriter&&) noexcept;
  MessageWriter& operator=(MessageWriter&&) = delete;
  ~MessageWriter();

  const Id& id() const { return id_; }
  Folder folder() const { return folder_; }
  TimeStamp created() const { return created_; }
  std::int64_t size() const { return size_; }  // what was appended: the offset of the next record

  // Errors stick: the caller may look at commit() only.
  disk::Result<void> append(RecordType type, std::string_view data);
  disk::Result<void> append_encoded(std::string_view records);  // whole records
  // Overwrites bytes that were appended, in the buffer or in the file.
  disk::Result<void> overwrite(std::int64_t offset, std::string_view bytes);
  // At most once, and nothing may be called after it. With another folder than that of create() (cleanup, when the
  // message turns out to be on hold) the file is moved there first, while its mode still says "writing": nobody can
  // take it on the way.
  disk::Result<void> commit(Folder destination, mode_t extra_mode = 0);
  disk::Result<void> commit() { return commit(folder_); }
  // Before others may read what was written so far: the file holds just that, and has its name.
  disk::Result<void> show();
  int fd() const { return fd_.get(); }

 private:
  MessageWriter(const Spool& spool, Folder folder, Modes modes, Id id, base::Fd fd, TimeStamp created);
  void take_name();
  disk::Result<void> flush();
  disk::Result<void> sync_as(mode_t mode);
  disk::Result<void> leave_spares(Folder destination);
  void abandon() noexcept;
  std::unexpected<disk::Error> fail(disk::Error error);
  disk::Result<void> commit_steps(Folder destination, mode_t extra_mode);
  disk::Result<void> commit_file(Folder destination, mode_t extra_mode);
  disk::Result<void> commit_name();
  void compare_clocks();
  void tell_clocks() const;

  const Spool* spool_;
  Folder folder_;
  Modes modes_;
  Id id_;
  base::Fd fd_;
  TimeStamp created_;
  std::int64_t size_ = 0;
  std::string buffer_;         // not yet written
  std::string spare_;          // where the file is while it is not in its folder
  std::int64_t old_size_ = 0;  // of what is written over
  mode_t mode_ = 0;            // which that has
  std::optional<disk::NewName> name_;
  std::time_t file_ahead_ = 0;   // of our time
  bool moved_ = false;           // to a name that is not name_ yet
  bool made_directory_ = false;  // its name is not durable yet either
  std::optional<disk::Error> failure_;
};

}  // namespace queue
