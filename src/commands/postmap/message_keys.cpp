#include "postmap/message_keys.h"

#include <optional>

#include "base/text.h"

namespace postmap {

namespace {

// The message's own multipart and the one in its first part come before any nesting.
constexpr std::size_t kNestingBesides = 2;

constexpr std::string_view kSpecials = "()<>@,;:\\\"/[]?=";

// The length of the name of a header; 0: this is none. Blanks may stand between the name and its colon.
std::size_t header_name_size(std::string_view line) {
  std::size_t size = 0;
  while (size < line.size() && line[size] > ' ' && line[size] < '\x7F' && line[size] != ':') ++size;
  const auto colon = line.find_first_not_of(" \t", size);
  return colon != std::string_view::npos && line[colon] == ':' ? size : 0;
}

// The words and specials of a Content-Type value.
class ContentTypeTokens {
 public:
  struct Token {
    char special = 0;  // or else a word
    bool quoted = false;
    std::string text;
  };
  explicit ContentTypeTokens(std::string_view text) : rest_(text) {}

  std::optional<Token> next() {
    skip_blanks_and_comments();
    if (rest_.empty()) return std::nullopt;
    const char c = rest_.front();
    if (c == '"') return quoted();
    if (kSpecials.contains(c)) {
      rest_.remove_prefix(1);
      return Token{.special = c, .text = {}};
    }
    std::size_t size = 0;
    while (size < rest_.size() && !base::is_blank(rest_[size]) && !kSpecials.contains(rest_[size])) ++size;
    Token token{.text = std::string(rest_.substr(0, size))};
    rest_.remove_prefix(size);
    return token;
  }

 private:
  void skip_blanks_and_comments() {
    std::size_t depth = 0;
    while (!rest_.empty()) {
      const char c = rest_.front();
      if (c == '(') ++depth;
      if (depth == 0 && !base::is_blank(c)) return;
      if (c == ')') --depth;
      rest_.remove_prefix(c == '\\' ? std::min<std::size_t>(2, rest_.size()) : 1);
    }
  }

  Token quoted() {
    Token token{.quoted = true, .text = {}};
    rest_.remove_prefix(1);
    while (!rest_.empty() && rest_.front() != '"') {
      if (rest_.front() == '\\' && rest_.size() > 1) rest_.remove_prefix(1);
      token.text.push_back(rest_.front());
      rest_.remove_prefix(1);
    }
    if (!rest_.empty()) rest_.remove_prefix(1);
    return token;
  }

  std::string_view rest_;
};

}  // namespace

void MessageKeys::begin_headers(Block block, Content content) {
  in_headers_ = true;
  block_ = block;
  content_ = content;
}

void MessageKeys::line(std::string_view line) {
  if (in_headers_) {
    header_line(line);
  } else {
    body_line(line);
  }
}

void MessageKeys::end() {
  finish_header();
}

void MessageKeys::header_line(std::string_view line) {
  const bool continues = !line.empty() && (line.front() == ' ' || line.front() == '\t');
  if (continues && !header_.empty()) {
    if (header_.size() < limits_.header_size) header_.append("\n").append(line);
    return;
  }
  finish_header();
  if (const std::size_t name = header_name_size(line); name > 0) {
    header_.assign(line.substr(0, name)).append(line.substr(line.find(':', name)));
    return;
  }
  in_headers_ = false;
  if (!line.empty()) {
    content_ = Content::lines;
    if (wanted_.body && block_ == Block::message) sink_("");
    body_line(line);
    return;
  }
  if (wanted_.body) sink_("");
  if (wanted_.mime && content_ == Content::message) begin_headers(Block::part, Content::lines);
}

void MessageKeys::finish_header() {
  if (header_.empty()) return;
  if (wanted_.headers) sink_(header_);
  constexpr std::string_view kContentType = "content-type:";
  if (wanted_.mime && base::starts_with_folded(header_, kContentType)) {
    read_content_type(std::string_view(header_).substr(kContentType.size()));
  }
  header_.clear();
}

void MessageKeys::body_line(std::string_view line) {
  if (wanted_.body) sink_(line);
  if (!line.starts_with("--")) return;
  const std::string_view rest = line.substr(2);
  for (std::size_t i = multiparts_.size(); i-- > 0;) {
    const Multipart& multipart = multiparts_[i];
    if (!rest.starts_with(multipart.boundary)) continue;
    if (rest.substr(multipart.boundary.size()).starts_with("--")) {
      multiparts_.resize(i);
    } else {
      multiparts_.resize(i + 1);
      begin_headers(Block::part, multiparts_.back().parts);
    }
    return;
  }
}

void MessageKeys::read_content_type(std::string_view value) {
  ContentTypeTokens tokens(value);
  const auto type = tokens.next();
  if (!type || type->special != 0 || type->quoted) return;
  content_ = Content::lines;
  auto token = tokens.next();
  std::string subtype;
  if (token && token->special == '/') {
    token = tokens.next();
    if (token && token->special == 0) {
      subtype = token->text;
      token = tokens.next();
    }
  }
  if (base::equals_folded(type->text, "message")) {
    const bool is_message = base::equals_folded(subtype, "rfc822") || base::equals_folded(subtype, "global");
    if (is_message) content_ = Content::message;
    return;
  }
  if (!base::equals_folded(type->text, "multipart")) return;
  const Content parts = base::equals_folded(subtype, "digest") ? Content::message : Content::lines;
  while (token) {
    if (token->special != ';') {
      token = tokens.next();
      continue;
    }
    token = tokens.next();
    if (!token || token->special != 0 || token->quoted || !base::equals_folded(token->text, "boundary")) continue;
    token = tokens.next();
    if (!token || token->special != '=') continue;
    token = tokens.next();
    if (!token || token->special != 0 || token->text.empty()) continue;
    if (multiparts_.size() < limits_.nesting + kNestingBesides) {
      multiparts_.push_back({token->text.substr(0, limits_.boundary), parts});
    }
  }
}

}  // namespace postmap
