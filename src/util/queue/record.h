#pragma once
// The records that queue files, maildrop files and the streams to cleanup and postdrop consist of: a letter, the length
// in base 128 (low groups first), the bytes.

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace queue {

enum class RecordType : char {
  size = 'C',
  time = 'T',
  create_time = 'c',
  full_name = 'F',
  inspector = 'I',
  filter = 'L',        // in the envelope and the extracted segment
  unterminated = 'L',  // in the content: the line goes on in the next text record
  sender = 'S',
  done = 'D',
  recipient = 'R',
  original_recipient = 'O',
  canceled = '/',
  warning_time = 'W',
  attribute = 'A',
  killed = 'K',
  redirect = '>',
  flags = 'f',
  milter_count = 'm',
  message = 'M',  // the content begins
  text = 'N',
  padding = 'w',
  extracted = 'X',  // the content has ended
  return_receipt = 'r',
  errors_to = 'e',
  priority = 'P',
  pointer = 'p',
  verp_delimiters = 'V',
  dsn_return = '<',
  dsn_envelope_id = 'i',
  dsn_original_recipient = 'o',
  dsn_notify = 'n',
  end = 'E',
};
// postcat's name, "unknown_record_type" for any other byte.
std::string_view name_of(RecordType type);

// A message is an envelope, its content, and what was extracted from its headers. Which records may stand where, in a
// queue file: `M`, `X` and `E` end their segment, `w` may stand anywhere in a file but is no part of the message.
enum class Segment { envelope, content, extracted };
bool belongs_in(Segment segment, RecordType type);

// Numbers as records have them: decimal, blanks around.
std::optional<std::int64_t> parse_number(std::string_view text);

struct Record {
  RecordType type;
  std::string_view data;
  std::int64_t offset;  // of the record's first byte in its file or stream
};

// How many bytes a record of this much data takes.
std::size_t encoded_size(std::size_t data);
void append_record(std::string& to, RecordType type, std::string_view data);

// What is in the way of reading on. Never a reason to end a process: the message goes to corrupt/, the peer is dropped.
struct BadRecord {
  std::string text;  // "incoming/ABC: record at offset 12: too many length bits, record type 78"
};

// Takes records from the front of bytes that arrive in pieces (a stream) or are all there (a buffer).
class RecordDecoder {
 public:
  explicit RecordDecoder(std::size_t largest) : largest_(largest) {}
  void feed(std::string_view bytes);  // copies
  // Nothing: more bytes are needed. The view lives until the next call of next() or feed().
  std::expected<std::optional<Record>, BadRecord> next();
  bool empty() const { return start_ == buffer_.size(); }  // nothing is left over

 private:
  std::size_t largest_;
  std::string buffer_;
  std::size_t start_ = 0;
  std::int64_t consumed_ = 0;
};

// Reads a file's records. Pointers are followed (at most 10,000 backwards) and padding is skipped, or both are shown.
// Damage of any kind is a BadRecord. Takes memory for what the file has, never for what a length in it claims.
class RecordReader {
 public:
  enum class Pointers { follow, show };
  // The descriptor stays the caller's; reads are positioned, its offset stays where it is. `name` is for messages.
  RecordReader(int fd, std::string name, std::int64_t start = 0, Pointers pointers = Pointers::follow);
  void read(int fd, std::string_view name);  // another file, from its start, with the memory of this one

  // Nothing at the end of the file. The view lives until the next call.
  std::expected<std::optional<Record>, BadRecord> next();
  std::int64_t position() const { return position_; }  // where the next record is read
  void seek(std::int64_t offset);
  void forget();                           // what was read ahead: the file may have changed
  bool jumped() const { return jumped_; }  // whether the last record was reached by a pointer

 private:
  std::expected<bool, BadRecord> fill(std::size_t needed);
  BadRecord bad(std::string_view what) const;

  int fd_;
  std::string name_;
  std::int64_t position_;
  Pointers pointers_;
  std::string buffer_;  // of the file from buffer_offset_
  std::int64_t buffer_offset_ = 0;
  int reverse_jumps_ = 0;
  bool jumped_ = false;
};

}  // namespace queue
