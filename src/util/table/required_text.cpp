#include "table/required_text.h"

#include <optional>

#include "base/text.h"

namespace table {

namespace {

constexpr int kDeepest = 100;           // groups within groups
constexpr std::size_t kMostTexts = 64;  // alternatives; beyond it a filter would not help

// The shortest text decides how well a set filters.
std::size_t quality(const RequiredText& texts) {
  std::size_t shortest = texts.empty() ? 0 : texts.front().size();
  for (const std::string& text : texts) shortest = std::min(shortest, text.size());
  return shortest;
}

// Reads an expression from left to right. Whatever it does not know ends the reading with "not known".
class Reader {
 public:
  Reader(std::string_view expression, ExpressionSyntax syntax)
      : rest_(expression), perl_(syntax == ExpressionSyntax::perl) {}

  // The whole expression.
  RequiredText read() {
    auto result = alternatives(0);
    if (!result || !rest_.empty()) return {};
    return std::move(*result);
  }

 private:
  // nullopt: not understood. Empty texts: understood, nothing is required.
  using Result = std::optional<RequiredText>;

  // a|b|c up to the closing parenthesis or the end: one text of each.
  Result alternatives(int depth) {
    if (depth > kDeepest) return std::nullopt;
    RequiredText all;
    bool known = true;
    while (true) {
      Result one = sequence(depth);
      if (!one) return std::nullopt;
      if (one->empty()) known = false;
      all.insert(all.end(), std::make_move_iterator(one->begin()), std::make_move_iterator(one->end()));
      if (!rest_.starts_with('|')) break;
      rest_.remove_prefix(1);
    }
    if (!known || all.size() > kMostTexts) all.clear();
    return all;
  }

  // What one part of a sequence is.
  struct Atom {
    enum class Kind { character, opaque, group, zero_width };
    Kind kind = Kind::opaque;
    char character = 0;
    RequiredText texts;  // of a group
  };

  // The best of what the parts require: runs of plain characters, and groups.
  Result sequence(int depth) {
    RequiredText best;
    std::string run;
    const auto offer = [&](RequiredText texts) {
      if (quality(texts) > quality(best)) best = std::move(texts);
    };
    const auto end_run = [&] {
      if (!run.empty()) offer({std::exchange(run, {})});
    };
    while (!rest_.empty() && rest_.front() != '|' && rest_.front() != ')') {
      auto atom = next_atom(depth);
      if (!atom) return std::nullopt;
      const auto repeat = quantifier(atom->kind == Atom::Kind::zero_width);
      if (!repeat) return std::nullopt;
      switch (atom->kind) {
        case Atom::Kind::character:
          if (*repeat == Repeat::may_be_absent) {
            end_run();
            break;
          }
          run += atom->character;
          if (*repeat == Repeat::several) end_run();
          break;
        case Atom::Kind::group:
          end_run();
          if (*repeat != Repeat::may_be_absent) offer(std::move(atom->texts));
          break;
        case Atom::Kind::zero_width:
        case Atom::Kind::opaque:
          end_run();
          break;
      }
    }
    end_run();
    return best;
  }

  std::optional<Atom> next_atom(int depth) {
    const char c = rest_.front();
    rest_.remove_prefix(1);
    switch (c) {
      case '(':
        return group(depth);
      case '[':
        return bracket();
      case '\\':
        return escape();
      case '^':
      case '$':
        return Atom{Atom::Kind::zero_width, 0, {}};
      case '.':
        return Atom{};
      case '*':
      case '+':
      case '?':
      case '{':
        return std::nullopt;  // nothing to repeat, or a brace that means itself
      default:
        return character(c);
    }
  }

  // Bytes over 127 may be a part of a longer character.
  static Atom character(char c) {
    if (static_cast<unsigned char>(c) > 127) return Atom{};
    return Atom{Atom::Kind::character, base::to_lower(c), {}};
  }

  std::optional<Atom> group(int depth) {
    Atom atom{Atom::Kind::group, 0, {}};
    if (rest_.starts_with('*')) return std::nullopt;  // a verb
    if (rest_.starts_with('?')) {
      if (!perl_) return std::nullopt;
      rest_.remove_prefix(1);
      if (rest_.starts_with(":") || rest_.starts_with(">")) {
        rest_.remove_prefix(1);
      } else if (rest_.starts_with("=") || rest_.starts_with("!")) {
        rest_.remove_prefix(1);
        atom.kind = Atom::Kind::zero_width;
      } else if (rest_.starts_with("<=") || rest_.starts_with("<!")) {
        rest_.remove_prefix(2);
        atom.kind = Atom::Kind::zero_width;
      } else {
        return std::nullopt;  // option settings, names, conditions, recursion, comments, call-outs
      }
    }
    Result inside = alternatives(depth + 1);
    if (!inside || !rest_.starts_with(')')) return std::nullopt;
    rest_.remove_prefix(1);
    if (atom.kind == Atom::Kind::group) atom.texts = std::move(*inside);
    return atom;
  }

  // Behind the opening bracket.
  std::optional<Atom> bracket() {
    if (rest_.starts_with('^')) rest_.remove_prefix(1);
    if (rest_.starts_with(']')) rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == ']') return Atom{};
      if (c == '[' && !rest_.empty() && std::string_view(":.=").contains(rest_.front())) {
        const char end[] = {rest_.front(), ']'};
        const auto close = rest_.find(std::string_view(end, 2), 1);
        if (close == std::string_view::npos) return std::nullopt;
        if (!std::ranges::all_of(rest_.substr(1, close - 1), [](char x) { return base::is_alnum(x) || x == '^'; })) {
          return std::nullopt;
        }
        rest_.remove_prefix(close + 2);
      } else if (c == '\\' && perl_) {
        if (rest_.empty() || rest_.starts_with('Q') || rest_.starts_with('E')) return std::nullopt;
        rest_.remove_prefix(1);
      }
    }
    return std::nullopt;
  }

  // Behind the backslash.
  std::optional<Atom> escape() {
    if (rest_.empty()) return std::nullopt;
    const char c = rest_.front();
    rest_.remove_prefix(1);
    if (base::is_alnum(c)) {
      if (std::string_view("wWsS").contains(c)) return Atom{};
      if (c == 'b' || c == 'B') return Atom{Atom::Kind::zero_width, 0, {}};
      if (perl_ && std::string_view("dDhHvVtnr").contains(c)) return Atom{};
      if (perl_ && std::string_view("AzZG").contains(c)) return Atom{Atom::Kind::zero_width, 0, {}};
      return std::nullopt;
    }
    if (!perl_ && std::string_view("<>'`").contains(c)) return Atom{Atom::Kind::zero_width, 0, {}};
    if (static_cast<unsigned char>(c) > 127 || c == '\0') return std::nullopt;
    return character(c);
  }

  enum class Repeat { once, several, may_be_absent };

  // What stands behind an atom. POSIX lets several follow each other (`a+?` may be absent), in Perl the second one
  // tells greed.
  std::optional<Repeat> quantifier(bool of_zero_width) {
    Repeat result = Repeat::once;
    bool any = false;
    while (!rest_.empty() && std::string_view("*+?{").contains(rest_.front())) {
      if (of_zero_width) return std::nullopt;
      if (any && perl_) {
        if (rest_.front() != '?' && rest_.front() != '+') return std::nullopt;
        rest_.remove_prefix(1);
        break;
      }
      any = true;
      const char c = rest_.front();
      rest_.remove_prefix(1);
      bool optional = c == '*' || c == '?';
      if (c == '{') {
        const auto close = rest_.find('}');
        if (close == std::string_view::npos) return std::nullopt;
        const auto least = least_of(rest_.substr(0, close));
        if (!least) return std::nullopt;
        optional = *least == 0;
        rest_.remove_prefix(close + 1);
      }
      if (optional) result = Repeat::may_be_absent;
      if (!optional && result == Repeat::once) result = Repeat::several;
    }
    // A third one would be an error, or mean what we do not know.
    if (perl_ && any && !rest_.empty() && std::string_view("*+?{").contains(rest_.front())) return std::nullopt;
    return result;
  }

  // "n", "n,", "n,m": n.
  static std::optional<unsigned long> least_of(std::string_view bounds) {
    const auto comma = bounds.find(',');
    if (comma != std::string_view::npos && comma + 1 < bounds.size() && !base::all_digits(bounds.substr(comma + 1))) {
      return std::nullopt;
    }
    return base::to_unsigned(bounds.substr(0, comma));
  }

  std::string_view rest_;
  bool perl_;
};

}  // namespace

RequiredText required_text(std::string_view expression, ExpressionSyntax syntax) {
  return Reader(expression, syntax).read();
}

}  // namespace table
