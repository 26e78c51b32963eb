#include "mail/header_tokens.h"

#include <algorithm>
#include <optional>

namespace mail {

namespace {

constexpr std::string_view kSpecials = "()<>@,;:\\\".[]!%";
constexpr std::size_t kLongestLine = 69;

bool is_separator(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool is_word(const Token& token) {
  return token.kind != TokenKind::special;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  std::optional<Token> next() {
    while (at_ < text_.size() && is_separator(text_[at_])) ++at_;
    if (at_ == text_.size()) return std::nullopt;
    switch (text_[at_]) {
      case '(':
        return comment();
      case '[':
        return delimited(TokenKind::domain_literal, ']');
      case '"':
        return delimited(TokenKind::quoted_string, '"');
      default:
        return plain();
    }
  }

 private:
  Token comment() {
    Token token{TokenKind::comment, {}};
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = take(token.text);
      if (c == '\\' && at_ < text_.size()) {
        take(token.text);
      } else if (c == '(') {
        ++depth;
      } else if (c == ')' && --depth == 0) {
        break;
      }
    }
    return token;
  }

  Token delimited(TokenKind kind, char end) {
    Token token{kind, {}};
    ++at_;
    while (at_ < text_.size() && text_[at_] != end) {
      if (take_blank(token.text) == '\\' && at_ < text_.size()) take(token.text);
    }
    if (at_ < text_.size()) ++at_;
    return token;
  }

  Token plain() {
    const char first = text_[at_];
    if (first != '\\' && kSpecials.contains(first)) {
      ++at_;
      return {TokenKind::special, std::string(1, first)};
    }
    Token token{TokenKind::atom, {}};
    while (at_ < text_.size() && !is_separator(text_[at_])) {
      if (text_[at_] != '\\' && kSpecials.contains(text_[at_])) break;
      if (take(token.text) == '\\' && at_ < text_.size()) take(token.text);
    }
    return token;
  }

  char take(std::string& to) {
    to += text_[at_];
    return text_[at_++];
  }
  // A line break or tab in a quoted string is white space, which it need not be in the form that we write.
  char take_blank(std::string& to) {
    const char c = text_[at_++];
    to += is_separator(c) ? ' ' : c;
    return c;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_unescaped(std::string& to, std::string_view text) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\') {
      if (++i == text.size()) return;
    }
    to += text[i];
  }
}

enum class Form { internal, external };

void append_token(std::string& to, const Token& token, Form form) {
  switch (token.kind) {
    case TokenKind::comment:
    case TokenKind::special:
      to += token.text;
      return;
    case TokenKind::atom:
      if (form == Form::internal) {
        append_unescaped(to, token.text);
      } else {
        to += token.text;
      }
      return;
    case TokenKind::quoted_string:
      if (form == Form::internal) {
        append_unescaped(to, token.text);
      } else {
        to += '"' + token.text + '"';
      }
      return;
    case TokenKind::domain_literal:
      to += '[';
      if (form == Form::internal) {
        append_unescaped(to, token.text);
      } else {
        to += token.text;
      }
      to += ']';
      return;
  }
}

std::string text_of(std::span<const Token> tokens, Form form) {
  std::string text;
  const Token* before = nullptr;
  for (const Token& token : tokens) {
    if (token.is('<')) {
      if (!text.empty() && text.back() != ' ') text += ' ';
    } else if (before != nullptr && is_word(*before) && is_word(token)) {
      text += ' ';
    }
    append_token(text, token, form);
    if (token.is(',')) text += ' ';
    before = &token;
  }
  return text;
}

// One part of an address list: a token outside of addresses, an address, or the colon that begins a group.
struct Part {
  enum class Kind { token, address, group_start };
  Kind kind;
  Token token;                  // Kind::token
  std::vector<Token> address;   // Kind::address: all but comments
  std::vector<Token> comments;  // of the address
};

// Reads a list from its end, for that is where it can be told what a word belongs to: before a < comes a phrase, before
// the : of a group its name.
class ListParser {
 public:
  explicit ListParser(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  std::vector<Part> parse() {
    for (rest_ = tokens_.size(); rest_ > 0;) take(--rest_);
    close_address(false);
    std::ranges::reverse(parts_);
    return std::move(parts_);
  }

 private:
  void take(std::size_t at) {
    Token& token = tokens_[at];
    if (token.is(',')) {
      close_address(false);
      in_phrase_ = false;
      emit(token);
    } else if (token.is(';') && !in_phrase_) {
      close_address(true);
      in_group_ = true;
      emit(token);
    } else if (token.is(':') && in_group_ && !in_phrase_) {
      close_address(false);
      parts_.push_back({Part::Kind::group_start, token, {}, {}});
      in_group_ = false;
      in_phrase_ = true;
    } else if (token.is('>')) {
      take_route_address(at);
    } else if (in_phrase_) {
      emit(token);
    } else {
      take_word(token);
    }
  }

  void take_route_address(std::size_t at) {
    close_address(true);
    emit(tokens_[at]);
    std::size_t open = at;
    while (open > 0 && !tokens_[open - 1].is('<')) --open;
    if (open == 0) return;  // a stray >
    for (std::size_t i = at; i-- > open;) add_to_address(tokens_[i]);
    if (!open_) open_ = Part{Part::Kind::address, {}, {}, {}};
    close_address(false);
    emit(tokens_[open - 1]);
    rest_ = open - 1;
    in_phrase_ = true;
  }

  void take_word(Token& token) {
    if (token.kind == TokenKind::comment && !open_) {
      emit(token);
      return;
    }
    if (open_ && token.kind != TokenKind::comment && is_word(token) && is_word(open_->address.back())) {
      close_address(true);
    }
    add_to_address(token);
  }

  void add_to_address(Token& token) {
    if (!open_) open_ = Part{Part::Kind::address, {}, {}, {}};
    auto& list = token.kind == TokenKind::comment ? open_->comments : open_->address;
    list.push_back(std::move(token));
  }

  // `comma`: something other than a comma or the beginning of the list stands before it.
  void close_address(bool comma) {
    if (!open_) return;
    std::ranges::reverse(open_->address);
    std::ranges::reverse(open_->comments);
    parts_.push_back(std::move(*open_));
    open_.reset();
    if (comma) parts_.push_back({Part::Kind::token, {TokenKind::special, ","}, {}, {}});
  }

  void emit(Token& token) { parts_.push_back({Part::Kind::token, std::move(token), {}, {}}); }

  std::vector<Token> tokens_;
  std::size_t rest_ = 0;  // tokens before this one are not read yet
  std::vector<Part> parts_;
  std::optional<Part> open_;
  bool in_phrase_ = false;
  bool in_group_ = false;
};

// An address as it was written, but for comments and blanks.
std::string address_text(const Part& part) {
  std::string text;
  for (const Token& token : part.address) append_token(text, token, Form::external);
  return text;
}

// Lines that break behind commas where they have to.
class Lines {
 public:
  explicit Lines(std::size_t name_width) : width_(name_width) {}

  void add(std::span<const Token> tokens) {
    for (const Token& token : tokens) {
      if (!piece_.empty() && needs_blank(token)) piece_ += ' ';
      append_token(piece_, token, Form::external);
      before_ = &token;
    }
  }
  void comma() {
    piece_ += ',';
    end_piece();
  }
  void group_start() {
    piece_ += ": ";
    before_ = nullptr;
  }

  std::string take() {
    end_piece();
    return std::move(text_);
  }

 private:
  bool needs_blank(const Token& next) const {
    if (next.is('<')) return piece_.back() != ' ';
    return before_ != nullptr && is_word(*before_) && is_word(next);
  }

  void end_piece() {
    if (!text_.empty() && width_ + 1 + piece_.size() > kLongestLine) {
      text_ += "\n\t";
      width_ = 0;
    } else {
      text_ += ' ';
    }
    width_ += 1 + piece_.size();
    text_ += piece_;
    piece_.clear();
    before_ = nullptr;
  }

  std::size_t width_;  // of the line so far
  std::string text_;
  std::string piece_;  // what follows the last comma
  const Token* before_ = nullptr;
};

}  // namespace

std::vector<Token> tokenize(std::string_view text, std::size_t most) {
  std::vector<Token> tokens;
  Scanner scanner(text);
  while (tokens.size() < most) {
    auto token = scanner.next();
    if (!token) break;
    tokens.push_back(std::move(*token));
  }
  return tokens;
}

std::string internal_text(std::span<const Token> tokens) {
  return text_of(tokens, Form::internal);
}

std::string external_text(std::span<const Token> tokens) {
  return text_of(tokens, Form::external);
}

std::vector<std::string> addresses_in(std::string_view header_value, std::size_t most) {
  std::vector<std::string> addresses;
  for (const Part& part : ListParser(tokenize(header_value, most)).parse()) {
    if (part.kind == Part::Kind::address && !part.address.empty()) addresses.push_back(address_text(part));
  }
  return addresses;
}

std::string rewrite_addresses(std::string_view header_value, std::size_t most,
                              const std::function<std::string(const std::string& external)>& rewrite,
                              std::size_t name_width) {
  std::vector<Part> parts = ListParser(tokenize(header_value, most)).parse();
  bool changed = false;
  for (Part& part : parts) {
    if (part.kind != Part::Kind::address || part.address.empty()) continue;
    const std::string before = address_text(part);
    const std::string after = rewrite(before);
    if (after != before) changed = true;
    part.address = tokenize(after, after.size());
  }
  if (!changed) return std::string(header_value);

  Lines lines(name_width);
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::token:
        if (part.token.is(',')) {
          lines.comma();
        } else {
          lines.add(std::span(&part.token, 1));
        }
        break;
      case Part::Kind::group_start:
        lines.group_start();
        break;
      case Part::Kind::address:
        lines.add(part.address);
        lines.add(part.comments);
        break;
    }
  }
  return lines.take();
}

std::string quoted_phrase(std::string_view text) {
  // What RFC 5322 calls an atom, blanks between atoms, and 8-bit text.
  const bool plain = !text.empty() && std::ranges::all_of(text, [](char c) {
    return c == ' ' || (c > ' ' && c < '\x7f' ? !kSpecials.contains(c) : static_cast<unsigned char>(c) >= 0x80);
  });
  if (plain) return std::string(text);
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  return quoted;
}

}  // namespace mail
