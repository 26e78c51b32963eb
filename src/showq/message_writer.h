#pragma once
// One message of the queue as an attribute list.

#include <functional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "base/fd.h"
#include "queue/record.h"
#include "queue/spool.h"
#include "queue/status_log.h"

namespace showq {

// detailed: a recipient's pair of attributes is followed by original_recipient, when that is known and another one, and
// by bounced=1, when the reason is that of a bounce.
enum class Form { classic, detailed };

struct Style {
  Form form = Form::classic;
  std::string empty_address;  // shown for the null sender and recipient
  bool bounces = true;        // look for bounce logs
};

// Files of one directory are opened beside each other: the kernel need not look for the directory each time. What lies
// in a directory that was not there is not asked for again.
class NearbyFiles {
 public:
  base::Fd open(const std::string& path);  // for reading, and no link; invalid, with errno, when that is not possible

 private:
  std::string directory_;
  base::Fd fd_;
  bool missing_ = false;
};

// For one thread; several may write about one spool. Memory is bounded whatever the message holds: whenever `text` has
// grown to a certain size the owner is asked to make room, and when there are very many reasons, the recipients of
// those that were not remembered are listed twice.
class MessageWriter {
 public:
  MessageWriter(const queue::Spool& spool, const Style& style, std::string& text, std::function<void()> make_room)
      : spool_(spool), style_(style), text_(text), make_room_(std::move(make_room)) {}

  // Nothing for a file that is none of a message, or not yet.
  void write(queue::Folder folder, const queue::Id& id, const std::string& path);

  static constexpr std::size_t kRoom = 64 * 1024;

 private:
  struct Summary;
  bool read_start(std::string_view name, Summary& summary);
  void write_reasons(queue::Folder log, const queue::Id& id);
  void write_recipients(const Summary& summary);
  void write_recipient(std::string_view address, std::string_view original, std::string_view reason, bool bounced);
  // Attributes are written where they belong at once, and looked at there.
  void put(std::string_view name, std::string_view plain);
  void put(std::string_view name, std::int64_t value);
  void put_masked(std::string_view name, std::string_view text);
  void put_address(std::string_view name, std::string_view address);
  void mask_from(std::size_t start);

  const queue::Spool& spool_;
  const Style& style_;
  std::string& text_;
  std::function<void()> make_room_;
  NearbyFiles messages_;
  NearbyFiles logs_;
  queue::RecordReader reader_{-1, ""};
  std::string log_text_;                  // of a log, kept for its memory
  std::unordered_set<std::size_t> told_;  // hashes of the present message's recipients with reasons
};

}  // namespace showq
