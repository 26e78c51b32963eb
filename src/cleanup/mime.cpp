#include "cleanup/mime.h"

#include "base/text.h"
#include "cleanup/headers.h"
#include "mail/header.h"

namespace cleanup {

namespace {

constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";

// Tokens of a Content-Type value: words, quoted strings (without their quotes), specials one by one.
class Tokens {
 public:
  explicit Tokens(std::string_view text) : text_(text) {}

  std::string next() {
    skip_blanks_and_comments();
    was_quoted_ = at_ < text_.size() && text_[at_] == '"';
    if (at_ == text_.size()) return {};
    if (was_quoted_) return quoted();
    std::string word;
    while (at_ < text_.size() && !base::is_blank(text_[at_]) && !kSpecials.contains(text_[at_])) word += text_[at_++];
    if (word.empty()) word = text_[at_++];
    return word;
  }

  // As next(), for a name: a quoted string is none.
  std::string next_name() {
    const std::string name = base::lower(next());
    return was_quoted_ ? std::string() : name;
  }
  bool at_end() {
    skip_blanks_and_comments();
    return at_ == text_.size();
  }

 private:
  void skip_blanks_and_comments() {
    int depth = 0;
    for (; at_ < text_.size(); ++at_) {
      const char c = text_[at_];
      if (c == '\\' && depth > 0 && at_ + 1 < text_.size())
        ++at_;
      else if (c == '(')
        ++depth;
      else if (c == ')' && depth > 0)
        --depth;
      else if (depth == 0 && !base::is_blank(c))
        return;
    }
  }
  std::string quoted() {
    std::string word;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      word += text_[at_];
    }
    if (at_ < text_.size()) ++at_;
    return word;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  bool was_quoted_ = false;
};

}  // namespace

ContentType parse_content_type(std::string_view value) {
  ContentType result;
  Tokens tokens(value);
  result.type = tokens.next_name();
  std::string token = tokens.next();
  if (token == "/") {
    token = tokens.next();
    if (token != ";") {
      result.subtype = base::lower(token);
      token = tokens.next();
    }
  }
  for (;;) {
    for (; token != ";"; token = tokens.next()) {
      if (tokens.at_end()) return result;
    }
    const std::string name = tokens.next_name();
    if (name == ";") continue;
    token = tokens.next();
    if (token != "=") continue;
    if (tokens.at_end()) return result;
    std::string parameter = tokens.next();
    if (name == "boundary") result.boundaries.push_back(std::move(parameter));
    token = tokens.next();
  }
}

void note_content_type(std::string& known, std::string_view value, std::size_t most) {
  if (known.empty() || parse_content_type(known).type != "multipart") {
    known = value;
  } else if (parse_content_type(value).type == "multipart" && known.size() < most) {
    const auto parameters = value.find(';');
    if (parameters != std::string_view::npos) known += value.substr(parameters);
  }
}

void MimeScanner::begin(std::string_view content_type) {
  if (!message_.settings.parse_mime) return;
  state_ = State::body;
  enter(content_type);
}

// What begins after a header that ends with this type.
void MimeScanner::enter(std::string_view content_type) {
  state_ = State::body;
  const ContentType type = parse_content_type(content_type);
  if (type.type == "multipart") {
    for (const std::string& boundary : type.boundaries) {
      if (boundaries_.size() >= message_.settings.mime_nesting_limit) break;
      boundaries_.push_back({boundary.substr(0, message_.settings.mime_boundary_limit), type.subtype == "digest"});
    }
  } else if (type.type == "message" && (type.subtype == "rfc822" || type.subtype == "global")) {
    state_ = State::header;
    part_type_.clear();
  }
}

void MimeScanner::take(bool goes_on, std::string_view data) {
  if (line_goes_on_) {
    if (state_ == State::header && !header_.empty() && header_.size() < message_.settings.header_size_limit)
      header_ += data;
  } else if (!at_boundary(data) && state_ == State::header) {
    header_line(data);
  }
  line_goes_on_ = goes_on;
}

// The innermost part ends with the boundary of any that is around it.
bool MimeScanner::at_boundary(std::string_view line) {
  if (line.size() < 3 || !line.starts_with("--")) return false;
  line.remove_prefix(2);
  for (std::size_t i = boundaries_.size(); i-- > 0;) {
    if (!line.starts_with(boundaries_[i].text)) continue;
    if (state_ == State::header) finish_header();
    const bool last = line.substr(boundaries_[i].text.size()).starts_with("--");
    boundaries_.resize(last ? i : i + 1);
    if (last)
      state_ = State::body;
    else
      begin_part(boundaries_.back().digest);
    return true;
  }
  return false;
}

void MimeScanner::begin_part(bool digest) {
  state_ = State::header;
  header_.clear();
  part_type_ = digest ? "message/rfc822" : "";
}

void MimeScanner::header_line(std::string_view line) {
  if (!header_.empty() && !line.empty() && (line[0] == ' ' || line[0] == '\t')) {
    if (header_.size() < message_.settings.header_size_limit) header_ += line;
    return;
  }
  finish_header();
  if (mail::header_start(line))
    header_ = line;
  else
    end_of_header();
}

void MimeScanner::finish_header() {
  if (header_.empty()) return;
  const std::string header = std::exchange(header_, {});
  note_8bit_header(message_, header);
  const auto start = mail::header_start(header);
  if (!start) return;
  const std::string_view value = std::string_view(header).substr(start->value_start);
  if (base::equals_folded(start->name, "Content-Type"))
    note_content_type(part_type_, value, message_.settings.header_size_limit);
  if (base::equals_folded(start->name, "Content-Transfer-Encoding")) note_transfer_encoding(message_, value);
}

void MimeScanner::end_of_header() {
  enter(std::exchange(part_type_, {}));
}

}  // namespace cleanup
