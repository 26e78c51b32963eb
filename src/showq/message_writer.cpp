#include "showq/message_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/fd.h"
#include "base/text.h"
#include "ipc/attributes.h"
#include "logging/log.h"
#include "mail/address.h"
#include "queue/message.h"

namespace showq {

namespace {

using queue::Folder;
using queue::RecordType;

constexpr std::size_t kMostTold = 100'000;
constexpr std::size_t kLogChunk = 64 * 1024;
constexpr std::size_t kLongestEntry = 1024 * 1024;

// Most logs fit into one chunk, and most chunks end with an entry.
class LogReader {
 public:
  LogReader(int fd, std::string& space) : fd_(fd), content_(space) { content_.clear(); }

  // Whole entries; empty at the end. Valid until the next call.
  std::string_view next() {
    content_.erase(0, taken_);
    taken_ = 0;
    while (!ended_) {
      read_more();
      const auto cut = ended_ ? content_.size() : content_.rfind("\n\n");
      if (cut != std::string::npos && cut > 0) {
        taken_ = std::min(cut + 2, content_.size());
        return std::string_view(content_).substr(0, taken_);
      }
      if (content_.size() > kLongestEntry) ended_ = true;  // no log of ours
    }
    return {};
  }

 private:
  void read_more() {
    const std::size_t before = content_.size();
    ssize_t size = 0;
    content_.resize_and_overwrite(before + kLogChunk, [&](char* data, std::size_t) {
      do {
        size = ::read(fd_, data + before, kLogChunk);
      } while (size < 0 && errno == EINTR);
      return before + static_cast<std::size_t>(std::max<ssize_t>(size, 0));
    });
    ended_ = size < static_cast<ssize_t>(kLogChunk);
  }

  int fd_;
  std::string& content_;
  std::size_t taken_ = 0;
  bool ended_ = false;
};

}  // namespace

base::Fd NearbyFiles::open(const std::string& path) {
  constexpr int kFlags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY;
  const std::size_t slash = path.rfind('/');
  const std::string_view directory = std::string_view(path).substr(0, slash == std::string::npos ? 0 : slash);
  if (directory != directory_) {
    directory_ = directory;
    fd_.reset(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    missing_ = !fd_ && errno == ENOENT;
  }
  if (missing_) {
    errno = ENOENT;
    return {};
  }
  if (!fd_) return base::Fd(::open(path.c_str(), kFlags));
  return base::Fd(::openat(fd_.get(), path.c_str() + slash + 1, kFlags));
}

struct MessageWriter::Summary {
  Folder folder = Folder::maildrop;
  std::optional<queue::Sizes> sizes = {};
  std::int64_t time = 0;
  std::string sender = {};
};

void MessageWriter::write(Folder folder, const queue::Id& id, const std::string& path) {
  const base::Fd fd = messages_.open(path);
  struct stat status{};
  if (!fd || ::fstat(fd.get(), &status) != 0) {
    if (errno != ENOENT) {
      logging::warning("showq.message_unreadable", "{reason}", {{"reason", base::with_errno("open " + path, errno)}});
    }
    return;
  }
  if (!S_ISREG(status.st_mode) || !queue::mode::is_ready(status.st_mode)) return;

  Summary summary{.folder = folder, .time = status.st_mtime};
  reader_.read(fd.get(), path);
  if (!read_start(id.text(), summary)) return;
  put("queue_name", queue::name_of(folder));
  put("queue_id", id.text());
  put("time", summary.time);
  put("size", summary.sizes ? summary.sizes->message : status.st_size);
  put("forced_expire", (status.st_mode & queue::mode::kExpire) != 0 ? 1 : 0);
  put_address("sender", summary.sender);
  told_.clear();
  // In maildrop, too: what was requeued keeps its id and its log until it is picked up.
  write_reasons(Folder::defer, id);
  if (style_.bounces) write_reasons(Folder::bounce, id);
  write_recipients(summary);
  ipc::append_end(text_);
}

// Up to the sender. False: the file is no message.
bool MessageWriter::read_start(std::string_view name, Summary& summary) {
  while (true) {
    const auto record = reader_.next();
    if (!record || !*record) return false;
    const RecordType type = (*record)->type;
    const std::string_view data = (*record)->data;
    if (type == RecordType::size && !summary.sizes) {
      summary.sizes = queue::Sizes::parse(data);
      if (!summary.sizes) {
        logging::warning("showq.bad_size", "{name}: malformed size record: {text} -- using file size instead",
                         {{"name", name}, {"text", data}});
      }
    } else if (type == RecordType::time) {
      const auto time = base::to_long(data.substr(0, data.find(' ')));
      if (time && *time > 0) summary.time = *time;
    } else if (type == RecordType::sender) {
      summary.sender = data;
      return true;
    } else if (type == RecordType::message || type == RecordType::end) {
      return false;
    }
  }
}

void MessageWriter::write_reasons(Folder log, const queue::Id& id) {
  const base::Fd fd = logs_.open(spool_.path(log, id));
  if (!fd) return;
  LogReader reader(fd.get(), log_text_);
  for (std::string_view part = reader.next(); !part.empty(); part = reader.next()) {
    for (const queue::StatusEntry& entry : queue::parse_status(part, log)) {
      if (told_.size() < kMostTold) told_.insert(std::hash<std::string_view>{}(entry.recipient));
      write_recipient(entry.recipient, entry.original_recipient, entry.reason, log == Folder::bounce);
    }
  }
}

void MessageWriter::write_recipients(const Summary& summary) {
  std::string original;
  std::int64_t seen = 0;
  while (true) {
    const auto record = reader_.next();
    if (!record || !*record) return;  // damage is qmgr's to find; what was understood is listed
    const RecordType type = (*record)->type;
    const std::string_view data = (*record)->data;
    if (type == RecordType::original_recipient) {
      original = data;
    } else if (type == RecordType::recipient || type == RecordType::done) {
      ++seen;
      const bool told = type == RecordType::done || told_.contains(std::hash<std::string_view>{}(data));
      if (!told) write_recipient(data, original, {}, false);
      original.clear();
    } else if (type == RecordType::message && summary.sizes && summary.folder != Folder::maildrop) {
      // Recipients that were found in headers stand behind the content.
      if (seen >= summary.sizes->recipients) return;
      const std::int64_t behind = summary.sizes->data_offset + summary.sizes->message;
      if (behind < reader_.position()) return;
      reader_.seek(behind);
    } else if (type == RecordType::end) {
      return;
    }
  }
}

void MessageWriter::put(std::string_view name, std::string_view plain) {
  text_.append(name).push_back('\0');
  text_.append(plain).push_back('\0');
}

// Negative numbers travel as what an unsigned long makes of them, as in Postfix.
void MessageWriter::put(std::string_view name, std::int64_t value) {
  put(name, fmt::format_int(static_cast<std::uint64_t>(value)).c_str());
}

void MessageWriter::put_masked(std::string_view name, std::string_view text) {
  text_.append(name).push_back('\0');
  const std::size_t start = text_.size();
  text_.append(text);
  mask_from(start);
}

void MessageWriter::put_address(std::string_view name, std::string_view address) {
  if (address.empty()) return put(name, style_.empty_address);
  text_.append(name).push_back('\0');
  const std::size_t start = text_.size();
  mail::append_quote(text_, address);
  mask_from(start);
}

// What a terminal must not get does not leave here: NUL bytes, which would end a value, included.
void MessageWriter::mask_from(std::size_t start) {
  bool plain = true;
  for (std::size_t i = start; i < text_.size(); ++i) plain &= base::is_printable(text_[i]);
  if (!plain) text_.replace(start, std::string::npos, base::printable(std::string_view(text_).substr(start)));
  text_.push_back('\0');
}

void MessageWriter::write_recipient(std::string_view address, std::string_view original, std::string_view reason,
                                    bool bounced) {
  put_address("recipient", address);
  put_masked("reason", reason);
  if (style_.form == Form::detailed) {
    if (!original.empty() && original != address && !base::equals_folded(original, address)) {
      put_address("original_recipient", original);
    }
    if (bounced) put("bounced", 1);
  }
  if (text_.size() >= kRoom) make_room_();
}

}  // namespace showq
