#pragma once
// A message on standard input, as lines in pieces that a record can hold.

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace sendmail {

// A line, or a part of one that is longer than the limit.
struct Piece {
  std::string_view text;  // until the next call
  bool ends_line;
};

enum class LineEndings { always, strict, never };  // sendmail_fix_line_endings: when CR LF becomes LF

class TextReader {
 public:
  // Gets more bytes: how many it put into the buffer, 0 at the end. What it throws comes out of next().
  using Fill = std::function<std::size_t(char* buffer, std::size_t size)>;
  struct Rules {
    std::size_t longest_piece = 2048;
    LineEndings line_endings = LineEndings::always;
    bool dot_ends_input = true;  // a line of a single dot
  };
  TextReader(Fill fill, const Rules& rules);

  // From_ lines before the message, also quoted with >, are left out. Nothing at the end.
  std::optional<Piece> next();

 private:
  std::optional<Piece> raw();
  Piece without_cr(Piece piece);

  Fill fill_;
  Rules rules_;
  std::string buffer_;
  std::size_t start_ = 0;
  bool at_end_ = false;
  bool in_line_ = false;     // the last piece did not end its line
  bool before_text_ = true;  // only From_ lines so far
  bool in_from_line_ = false;
  std::optional<bool> strips_;  // decided at the first line when strict
};

}  // namespace sendmail
