#pragma once
// The structure of a MIME body, as far as it tells how the message may be sent on: 8-bit parts, and headers of parts
// that are not ASCII. Lines are looked at, never changed.

#include <string>
#include <string_view>
#include <vector>

#include "cleanup/transaction.h"

namespace cleanup {

class MimeScanner {
 public:
  explicit MimeScanner(Transaction& message) : message_(message) {}

  // Of the message itself; at the end of its header.
  void begin(std::string_view content_type);

  // Whether this record can mean anything: cheap, for each record of a body.
  bool wants(std::string_view data) const {
    return state_ == State::header ||
           (!boundaries_.empty() && !line_goes_on_ && data.size() > 2 && data[0] == '-' && data[1] == '-');
  }
  void take(bool goes_on, std::string_view data);  // each record that wants() wants
  void passed(bool goes_on) { line_goes_on_ = goes_on; }

 private:
  enum class State { off, header, body };
  struct Boundary {
    std::string text;
    bool digest;  // parts without a type are messages
  };
  bool at_boundary(std::string_view line);
  void begin_part(bool digest);
  void header_line(std::string_view line);
  void finish_header();
  void end_of_header();
  void enter(std::string_view content_type);

  Transaction& message_;
  State state_ = State::off;
  std::vector<Boundary> boundaries_;
  std::string header_;  // of a part, its lines joined by blanks
  std::string part_type_;
  bool line_goes_on_ = false;
};

// "multipart/mixed; boundary=\"x\"": type and subtype in lower case, each boundary as it is. Comments are skipped.
struct ContentType {
  std::string type;
  std::string subtype;
  std::vector<std::string> boundaries;
};
ContentType parse_content_type(std::string_view value);

// Of several Content-Type headers the last counts, but one of a multipart always does; of several of these all
// boundaries do, as long as they have less than `most` bytes together.
void note_content_type(std::string& known, std::string_view value, std::size_t most);

}  // namespace cleanup
