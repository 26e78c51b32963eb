#pragma once
// The header of a message that is searched for recipients (-t). Lines go in as they are read and come out for the
// message; a header line with blanks before its colon comes out without them, and a body that begins without an empty
// line gets one.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "sendmail/text_reader.h"

namespace sendmail {

class HeaderScan {
 public:
  using Output = std::function<void(Piece piece)>;
  // `longest_header` is header_size_limit.
  HeaderScan(std::size_t longest_header, std::size_t longest_piece, Output output)
      : longest_header_(longest_header), longest_piece_(longest_piece), output_(std::move(output)) {}

  // False when a header is longer than the limit: nobody knows then who is to get the mail.
  bool take(Piece piece);
  bool finish();  // the text has ended

  // In internal form, in order. Those of Resent- headers when there is any.
  std::vector<std::string> recipients() const { return has_resent_ ? resent_ : ordinary_; }

 private:
  bool take(Piece piece, bool line_has_end);  // the last line of the text may have none
  void end_header();
  void write(std::string_view line, bool ends_line = true);

  std::size_t longest_header_;
  std::size_t longest_piece_;
  Output output_;
  bool in_body_ = false;
  bool body_line_open_ = false;
  std::string header_;       // its lines so far, a line feed between two
  std::string line_;         // pieces of the current line
  bool has_resent_ = false;  // Resent-To, Resent-Cc or Resent-Bcc
  std::vector<std::string> ordinary_;
  std::vector<std::string> resent_;
};

}  // namespace sendmail
