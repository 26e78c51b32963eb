#pragma once
// Queue ids: what a message is called, and which of its parts come from the clock and which from the inode.

#include <sys/types.h>

#include <cstdint>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>

namespace queue {

struct TimeStamp {
  std::time_t seconds = 0;
  long microseconds = 0;
};
TimeStamp now();

// A valid id: 1 to 255 letters, digits and underscores. Fit for a path.
class Id {
 public:
  // Short: 5 hexadecimal digits of microseconds and the inode. Long: seconds and microseconds in base 52, z, the inode
  // in base 51.
  static Id make_short(TimeStamp time, ino_t inode);
  static Id make_long(TimeStamp time, ino_t inode);
  static std::optional<Id> parse(std::string_view text);  // any valid id, of either form or neither

  const std::string& text() const { return text_; }
  bool is_long() const;                   // by its form
  std::optional<ino_t> inode() const;     // nothing: not the name of a file that knows its inode
  Id with_inode(ino_t inode) const;       // the time part kept: that of a long id, else 5 characters
  std::optional<TimeStamp> time() const;  // long ids only

  // "9/" at depth 1 for 9F850A78B12: where hashed queues keep the message.
  std::string hash_directory(int depth) const;

  friend bool operator==(const Id&, const Id&) = default;
  friend auto operator<=>(const Id&, const Id&) = default;

 private:
  explicit Id(std::string text) : text_(std::move(text)) {}
  std::string text_;
};

}  // namespace queue
