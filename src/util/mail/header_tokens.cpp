#include "mail/header_tokens.h"

#include <algorithm>

#include "mail/address.h"

namespace mail {

namespace {

constexpr std::string_view kSpecials = "()<>@,;:\\\".[]!%";
constexpr std::size_t kLongestLine = 69;
constexpr std::size_t kMostAround = 250;  // bytes of phrase and comments

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
  // What has no end ends with the text.
  Token comment() {
    Token token{TokenKind::comment, {}};
    int depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      token.text += c;
      if (c == '\\' && at_ < text_.size()) {
        token.text += text_[at_++];
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
    while (at_ < text_.size() && text_[at_] != end) take_character(token.text);
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
    while (at_ < text_.size() && !is_separator(text_[at_]) && (text_[at_] == '\\' || !kSpecials.contains(text_[at_]))) {
      take_character(token.text);
    }
    return token;
  }

  // One character without its escape; a lone backslash at the end is nothing.
  void take_character(std::string& to) {
    if (text_[at_] == '\\' && ++at_ == text_.size()) return;
    to += is_separator(text_[at_]) ? ' ' : text_[at_];
    ++at_;
  }

  std::string_view text_;
  std::size_t at_ = 0;
};

void append_escaped(std::string& to, std::string_view text, std::string_view escaped) {
  for (const char c : text) {
    if (escaped.contains(c)) to += '\\';
    to += c;
  }
}

void append_quoted(std::string& to, std::string_view text) {
  to += '"';
  append_escaped(to, text, "\"\\");
  to += '"';
}

bool needs_no_quotes(std::string_view atom) {
  return std::ranges::all_of(atom, [](char c) {
    return c > ' ' && c != '\x7f' ? !kSpecials.contains(c) : static_cast<unsigned char>(c) >= 0x80;
  });
}

void append_internal(std::string& to, const Token& token) {
  if (token.kind == TokenKind::domain_literal) {
    to += '[' + token.text + ']';
  } else {
    to += token.text;
  }
}

void append_external(std::string& to, const Token& token) {
  switch (token.kind) {
    case TokenKind::comment:
    case TokenKind::special:
      to += token.text;
      return;
    case TokenKind::domain_literal:
      to += '[';
      append_escaped(to, token.text, "\\");
      to += ']';
      return;
    case TokenKind::atom:
      if (needs_no_quotes(token.text)) {
        to += token.text;
        return;
      }
      [[fallthrough]];
    case TokenKind::quoted_string:
      append_quoted(to, token.text);
      return;
  }
}

// One part of an address list: a token outside of addresses, an address, or the colon that begins a group.
struct Part {
  enum class Kind { token, address, group_start };
  Kind kind;
  Token token;                  // Kind::token
  std::vector<Token> address;   // Kind::address: all but comments
  std::vector<Token> comments;  // of the address
  std::string rewritten;
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
  enum class Place { list, phrase, group_name };

  void take(std::size_t at) {
    Token& token = tokens_[at];
    if (token.is(',')) {
      separator(token, false);
    } else if (place_ == Place::group_name) {
      emit(token);
    } else if (token.is('>')) {
      take_route_address(at);
    } else if (token.is(';')) {
      separator(token, true);
      in_group_ = true;
    } else if (token.is(':') && in_group_) {
      close_address(false);
      parts_.push_back({Part::Kind::group_start, token, {}, {}, {}});
      place_ = Place::group_name;
    } else if (place_ == Place::list) {
      take_word(token);
    } else if (token.is(':')) {
      separator(token, false);
    } else {
      emit(token);
    }
  }

  void separator(Token& token, bool comma) {
    close_address(comma);
    emit(token);
    place_ = Place::list;
  }

  // Between < and >; without a < all that there is.
  void take_route_address(std::size_t at) {
    close_address(true);
    emit(tokens_[at]);
    while (rest_ > 0 && !tokens_[rest_ - 1].is('<')) add_to_address(tokens_[--rest_]);
    if (!open_) open_ = Part{Part::Kind::address, {}, {}, {}, {}};
    close_address(false);
    place_ = Place::phrase;
    if (rest_ > 0) emit(tokens_[--rest_]);
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
    if (!open_) open_ = Part{Part::Kind::address, {}, {}, {}, {}};
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
    if (comma) parts_.push_back({Part::Kind::token, {TokenKind::special, ","}, {}, {}, {}});
  }

  void emit(Token& token) { parts_.push_back({Part::Kind::token, std::move(token), {}, {}, {}}); }

  std::vector<Token> tokens_;
  std::size_t rest_ = 0;  // tokens before this one are not read yet
  std::vector<Part> parts_;
  std::optional<Part> open_;
  Place place_ = Place::list;
  bool in_group_ = false;
};

// An address as it was written, but for comments and blanks.
std::string address_text(const Part& part) {
  std::string text;
  for (const Token& token : part.address) append_external(text, token);
  return text;
}

// A list as text, with a line break behind each comma.
class ListText {
 public:
  explicit ListText(const std::function<void(std::string_view)>& stripped) : stripped_(stripped) {}

  void add(const Token& token) {
    if (needs_blank(token)) text_ += ' ';
    append_external(text_, token);
    before_is_word_ = is_word(token);
  }
  // Written as an envelope's address is quoted: the local part is one word, whatever is in it.
  void add_address(std::string_view external) {
    if (before_is_word_) text_ += ' ';
    address_ = quote(internal_text(tokenize(external, external.size())));
    text_ += *address_;
    before_is_word_ = true;
  }
  void add_null_address() { address_.emplace(); }
  void comma() {
    end_item();
    text_ += ",\n";
    before_is_word_ = false;
    item_ = text_.size();
  }
  void group_start() {
    text_ += ": ";
    before_is_word_ = false;
  }
  std::string take() {
    end_item();
    return std::move(text_);
  }

 private:
  void end_item() {
    if (address_ && text_.size() - item_ - address_->size() > kMostAround) {
      if (stripped_) stripped_(std::string_view(text_).substr(item_));
      text_.replace(item_, std::string::npos, '<' + *address_ + '>');
    }
    address_.reset();
  }

  bool needs_blank(const Token& next) const {
    if (next.is('<')) return !text_.empty() && text_.back() != ' ' && text_.back() != '\n';
    return before_is_word_ && is_word(next);
  }

  std::string text_;
  bool before_is_word_ = false;
  std::size_t item_ = 0;                // where what stands between two commas began
  std::optional<std::string> address_;  // in it, the last
  const std::function<void(std::string_view)>& stripped_;
};

// Joins lines with a blank as long as the result does not grow longer than kLongestLine, its tab not counted.
std::string joined_lines(std::string_view text, std::size_t name_width) {
  std::string joined;
  std::size_t width = name_width;
  for (bool first = true;; first = false) {
    const auto line_break = text.find('\n');
    const std::string_view line = text.substr(0, line_break);
    const bool is_last = line_break == std::string_view::npos;
    if (first || width + 1 + line.size() <= kLongestLine) {
      joined += ' ';
      width += 1 + line.size();
    } else {
      joined += '\n';
      width = line.size();
      if (!line.starts_with(' ') && !line.starts_with('\t')) joined += '\t';
    }
    joined += line;
    if (is_last) return joined;
    text.remove_prefix(line_break + 1);
  }
}

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
  std::string text;
  bool before_is_word = false;
  for (const Token& token : tokens) {
    const bool is_first = &token == tokens.data();
    if (token.is('<') ? !is_first && !text.ends_with(' ') : before_is_word && is_word(token)) text += ' ';
    append_internal(text, token);
    if (token.is(',')) text += ' ';
    before_is_word = is_word(token);
  }
  if (!tokens.empty() && tokens.back().is(',')) text.pop_back();
  return text;
}

std::vector<std::string> addresses_in(std::string_view header_value, std::size_t most) {
  std::vector<std::string> addresses;
  for (const Part& part : ListParser(tokenize(header_value, most)).parse()) {
    if (part.kind == Part::Kind::address && !part.address.empty()) addresses.push_back(address_text(part));
  }
  return addresses;
}

std::optional<AddressList> address_list(std::string_view text, std::size_t most) {
  std::vector<Token> tokens = tokenize(text, most + 1);
  if (tokens.size() > most) return std::nullopt;
  AddressList list;
  for (Part& part : ListParser(std::move(tokens)).parse()) {
    const bool is_bracket = part.kind == Part::Kind::token && (part.token.is('<') || part.token.is('>'));
    if ((part.kind != Part::Kind::address && !is_bracket) || !part.comments.empty()) list.has_more = true;
    if (!part.address.empty()) list.addresses.push_back(std::move(part.address));
  }
  return list;
}

std::string rewrite_addresses(std::string_view header_value, std::size_t most,
                              const std::function<std::string(const std::string& external)>& rewrite,
                              std::size_t name_width, const std::function<void(std::string_view)>& stripped) {
  std::vector<Part> parts = ListParser(tokenize(header_value, most)).parse();
  bool changed = false;
  for (Part& part : parts) {
    if (part.kind != Part::Kind::address || part.address.empty()) continue;
    const std::string before = address_text(part);
    part.rewritten = rewrite(before);
    if (part.rewritten != before) changed = true;
  }
  if (!changed) return std::string(header_value);

  ListText list(stripped);
  for (const Part& part : parts) {
    switch (part.kind) {
      case Part::Kind::token:
        if (part.token.is(',')) {
          list.comma();
        } else {
          list.add(part.token);
        }
        break;
      case Part::Kind::group_start:
        list.group_start();
        break;
      case Part::Kind::address:
        if (part.address.empty())
          list.add_null_address();
        else
          list.add_address(part.rewritten);
        for (const Token& comment : part.comments) list.add(comment);
        break;
    }
  }
  return joined_lines(list.take(), name_width);
}

std::string quoted_phrase(std::string_view text) {
  bool plain = !text.empty();
  for (std::size_t begin = 0; plain && begin <= text.size();) {  // words
    const auto end = std::min(text.find(' ', begin), text.size());
    if (end > begin) plain = needs_no_quotes(text.substr(begin, end - begin));
    begin = end + 1;
  }
  if (plain) return std::string(text);
  std::string quoted;
  append_quoted(quoted, text);
  return quoted;
}

}  // namespace mail
