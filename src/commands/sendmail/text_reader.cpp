#include "sendmail/text_reader.h"

#include <algorithm>

namespace sendmail {

namespace {

constexpr std::size_t kReadSize = std::size_t{64} * 1024;

bool is_from_line(std::string_view line) {
  const auto begin = std::min(line.find_first_not_of('>'), line.size());
  return line.substr(begin).starts_with("From ");
}

}  // namespace

TextReader::TextReader(Fill fill, const Rules& rules) : fill_(std::move(fill)), rules_(rules) {
  if (rules_.line_endings == LineEndings::always) strips_ = true;
  if (rules_.line_endings == LineEndings::never) strips_ = false;
}

std::optional<Piece> TextReader::raw() {
  while (true) {
    const std::string_view unread = std::string_view(buffer_).substr(start_);
    const auto newline = unread.substr(0, rules_.longest_piece + 1).find('\n');
    if (newline != std::string_view::npos &&
        newline <= rules_.longest_piece - (newline == rules_.longest_piece ? 1 : 0)) {
      start_ += newline + 1;
      return Piece{unread.substr(0, newline), true};
    }
    if (unread.size() >= rules_.longest_piece) {
      start_ += rules_.longest_piece;
      return Piece{unread.substr(0, rules_.longest_piece), false};
    }
    if (at_end_) {
      if (unread.empty()) return std::nullopt;
      start_ = buffer_.size();
      return Piece{unread, false};
    }
    buffer_.erase(0, start_);
    start_ = 0;
    const std::size_t kept = buffer_.size();
    buffer_.resize(kept + kReadSize);
    const std::size_t got = fill_(buffer_.data() + kept, kReadSize);
    buffer_.resize(kept + got);
    at_end_ = got == 0;
  }
}

Piece TextReader::without_cr(Piece piece) {
  if (!piece.ends_line) return piece;
  if (!strips_) strips_ = piece.text.ends_with('\r');
  while (*strips_ && piece.text.ends_with('\r')) piece.text.remove_suffix(1);
  return piece;
}

std::optional<Piece> TextReader::next() {
  while (auto piece = raw()) {
    const bool begins_line = !in_line_;
    in_line_ = !piece->ends_line;
    if (before_text_) {
      if (begins_line) in_from_line_ = is_from_line(piece->text);
      if (in_from_line_) continue;
      before_text_ = false;
    }
    const Piece line = without_cr(*piece);
    // Also at the end of the input, without a line end behind it; a piece of a cut line is no line.
    const bool whole = line.ends_line || line.text.size() < rules_.longest_piece;
    if (begins_line && whole && rules_.dot_ends_input && line.text == ".") return std::nullopt;
    return line;
  }
  return std::nullopt;
}

}  // namespace sendmail
