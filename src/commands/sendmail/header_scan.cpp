#include "sendmail/header_scan.h"

#include <algorithm>

#include "mail/address.h"
#include "mail/header.h"
#include "mail/header_tokens.h"

namespace sendmail {

void HeaderScan::write(std::string_view line, bool ends_line) {
  while (line.size() >= longest_piece_) {
    output_({line.substr(0, longest_piece_), false});
    line.remove_prefix(longest_piece_);
  }
  output_({line, ends_line});
}

void HeaderScan::end_header() {
  if (header_.empty()) return;
  for (std::string_view rest = header_;;) {
    const auto line_break = rest.find('\n');
    write(rest.substr(0, line_break));
    if (line_break == std::string_view::npos) break;
    rest.remove_prefix(line_break + 1);
  }
  const auto start = mail::header_start(header_);
  const mail::HeaderName* const known = start ? mail::known_header(start->name) : nullptr;
  if (known != nullptr && known->names_recipients) {
    std::string value = header_.substr(start->value_start);
    std::ranges::replace(value, '\0', ' ');
    auto& recipients = known->is_resent ? resent_ : ordinary_;
    if (known->is_resent) has_resent_ = true;
    for (const std::string& address : mail::addresses_in(value, value.size())) {
      recipients.push_back(mail::unquote(address));
    }
  }
  header_.clear();
}

bool HeaderScan::take(Piece piece) {
  return take(piece, piece.ends_line);
}

bool HeaderScan::take(Piece piece, bool line_has_end) {
  if (in_body_) {
    body_line_open_ = !piece.ends_line;
    output_(piece);
    return true;
  }
  if (header_.size() + line_.size() + piece.text.size() > longest_header_) return false;
  line_ += piece.text;
  if (!piece.ends_line) return true;
  std::string line;
  line.swap(line_);

  if (!line.empty() && (line[0] == ' ' || line[0] == '\t') && !header_.empty()) {
    header_ += '\n';
    header_ += line;
    return true;
  }
  end_header();
  if (const auto start = mail::header_start(line)) {
    header_ = std::string(start->name) + ":" + line.substr(start->value_start);
    return true;
  }
  in_body_ = true;
  output_({"", true});
  body_line_open_ = !line_has_end;
  if (!line.empty()) write(line, line_has_end);
  return true;
}

bool HeaderScan::finish() {
  if (!line_.empty() && !take({"", true}, false)) return false;
  end_header();
  if (in_body_ && body_line_open_) output_({"", true});
  return true;
}

}  // namespace sendmail
