#pragma once
// How a message becomes ours: the one way in which any program puts a message file on disk.
//
//   create       incoming/<usec>.<pid>, then renamed to its id, mode 0600: nobody looks at it
//   append       records, buffered
//   overwrite    the size record, once the sizes are known
//   commit       everything written, [moved to another folder], mode 0700, the file fsync'ed, its directory fsync'ed
//                since it got its name (which create may have begun, and messages share), closed. From here on the
//                message is ours and may be acknowledged.
//   (destructor) without commit: the file is removed
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
  // To read back what was written: flush, then read at positions.
  int fd() const { return fd_.get(); }
  disk::Result<void> flush();

 private:
  MessageWriter(const Spool& spool, Folder folder, Modes modes, Id id, base::Fd fd, TimeStamp created);
  void take_name();
  void abandon() noexcept;
  std::unexpected<disk::Error> fail(disk::Error error);
  disk::Result<void> commit_steps(Folder destination, mode_t extra_mode);
  disk::Result<void> commit_file(Folder destination, mode_t extra_mode);
  disk::Result<void> commit_name();

  const Spool* spool_;
  Folder folder_;
  Modes modes_;
  Id id_;
  base::Fd fd_;
  TimeStamp created_;
  std::int64_t size_ = 0;
  std::string buffer_;  // not yet written
  std::optional<disk::NewName> name_;
  bool moved_ = false;           // since then
  bool made_directory_ = false;  // its name is not durable yet either
  std::optional<disk::Error> failure_;
};

}  // namespace queue
