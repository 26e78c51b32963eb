// The syntax of alias files, which is that of mail headers: words, quoted strings, comments, domain literals and
// specials.

#include "base/text.h"
#include "table/source.h"

namespace table {

namespace {

// Characters that stand for themselves as a token.
constexpr std::string_view kOperators = "<>@,;:.%!|";

enum class Kind { word, quoted, comment, literal, op };

struct Token {
  Kind kind;
  std::string text;  // of words and quoted strings without quotes and backslashes
};

bool is_operator(char c) {
  return kOperators.contains(c);
}

bool ends_word(char c) {
  return base::is_blank(c) || is_operator(c) || c == '"' || c == '(' || c == '[';
}

class Tokens {
 public:
  explicit Tokens(std::string_view text) : rest_(text) {}

  std::optional<Token> next() {
    rest_ = base::trim_left(rest_);
    if (rest_.empty()) return std::nullopt;
    switch (rest_.front()) {
      case '"':
        return Token{Kind::quoted, enclosed('"')};
      case '[':
        return Token{Kind::literal, "[" + enclosed(']') + "]"};
      case '(':
        return comment();
      default:
        break;
    }
    if (is_operator(rest_.front())) return Token{Kind::op, std::string(1, take())};
    Token word{Kind::word, {}};
    while (!rest_.empty() && !ends_word(rest_.front())) append_unescaped(word.text);
    return word;
  }

 private:
  char take() {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    return c;
  }

  // A backslash takes the meaning from the character after it; at the end it means nothing.
  void append_unescaped(std::string& text) {
    char c = take();
    if (c == '\\') {
      if (rest_.empty()) return;
      c = take();
    }
    text.push_back(c == '\t' || c == '\r' || c == '\n' ? ' ' : c);
  }

  std::string enclosed(char end) {
    std::string text;
    take();
    while (!rest_.empty() && rest_.front() != end) append_unescaped(text);
    if (!rest_.empty()) take();
    return text;
  }

  // As it is, with the comments in it.
  Token comment() {
    std::size_t length = 0;
    std::size_t depth = 0;
    do {
      const char c = rest_[length++];
      if (c == '\\' && length < rest_.size()) ++length;
      if (c == '(') ++depth;
      if (c == ')') --depth;
    } while (depth > 0 && length < rest_.size());
    Token token{Kind::comment, std::string(rest_.substr(0, length))};
    rest_.remove_prefix(length);
    return token;
  }

  std::string_view rest_;
};

bool needs_quotes(std::string_view word) {
  return std::ranges::any_of(
      word, [](char c) { return ends_word(c) || c == '\\' || static_cast<unsigned char>(c) < ' ' || c == '\x7F'; });
}

void append_quoted(std::string& text, std::string_view word) {
  text.push_back('"');
  for (const char c : word) {
    if (c == '"' || c == '\\') text.push_back('\\');
    text.push_back(c);
  }
  text.push_back('"');
}

enum class Form { with_quotes, without_quotes };

class Rendering {
 public:
  explicit Rendering(Form form) : form_(form) {}

  void add(const Token& token) {
    const bool is_word = token.kind != Kind::op;
    if ((is_word && after_word_) || (token.text == "<" && !is_word && !text_.empty() && text_.back() != ' ')) {
      text_.push_back(' ');
    }
    after_word_ = is_word;
    const bool may_quote = token.kind == Kind::quoted || (token.kind == Kind::word && needs_quotes(token.text));
    if (may_quote && form_ == Form::with_quotes) {
      append_quoted(text_, token.text);
    } else {
      text_.append(token.text);
    }
    if (!is_word && token.text == ",") text_.push_back(' ');
  }

  std::string take() { return std::move(text_); }

 private:
  Form form_;
  std::string text_;
  bool after_word_ = false;
};

}  // namespace

std::expected<AliasLine, std::string> parse_alias_line(std::string_view line) {
  const auto no_pair = std::unexpected(std::string("need name:value pair"));
  Tokens tokens(line);
  Rendering name(Form::without_quotes);
  bool named = false;
  bool local = true;
  while (true) {
    auto token = tokens.next();
    if (!token) return no_pair;
    if (token->kind == Kind::op) {
      if (token->text == ":") break;
      if (token->text == ",") return no_pair;
      if (token->text == "@" || token->text == "%") local = false;
    }
    named = true;
    name.add(*token);
  }
  Rendering value(Form::with_quotes);
  while (auto token = tokens.next()) value.add(*token);
  AliasLine parsed{name.take(), value.take()};
  // A backslash with nothing after it is a word of nothing.
  if (!named || parsed.value.empty()) return no_pair;
  if (!local) return std::unexpected(std::string("name must be local"));
  return parsed;
}

}  // namespace table
