#include "config/expand.h"

#include <array>
#include <memory>

#include <idn2.h>

#include "base/text.h"

namespace config {

namespace {

bool is_name_byte(char c) {
  return base::is_alnum(c) || c == '_';
}

std::string in_quotes(std::string_view text) {
  return "\"" + base::printable(text) + "\"";
}

// What is wrong and where: the text before and after the place, at most a few words of each.
base::Error wrong_at(std::string_view what, std::string_view body, std::size_t place) {
  constexpr std::size_t kShown = 40;
  const std::string_view before = body.substr(place > kShown ? place - kShown : 0, std::min(place, kShown));
  const std::string_view after = body.substr(place, kShown);
  return {std::string(what) + " at: \"..." + base::printable(before) + ">>>" + base::printable(after) + "\""};
}

using Done = std::expected<void, base::Error>;

enum class Operator { equal, not_equal, less, less_or_equal, greater_or_equal, greater };
struct Spelling {
  std::string_view text;
  Operator meaning;
};
// Longer ones first.
constexpr std::array<Spelling, 6> kOperators{{{"==", Operator::equal},
                                              {"!=", Operator::not_equal},
                                              {"<=", Operator::less_or_equal},
                                              {">=", Operator::greater_or_equal},
                                              {"<", Operator::less},
                                              {">", Operator::greater}}};

bool holds(Operator meaning, int order) {
  switch (meaning) {
    case Operator::equal:
      return order == 0;
    case Operator::not_equal:
      return order != 0;
    case Operator::less:
      return order < 0;
    case Operator::less_or_equal:
      return order <= 0;
    case Operator::greater_or_equal:
      return order >= 0;
    case Operator::greater:
      return order > 0;
  }
  return false;
}

// --- syntax: what stands between the braces, in views of the text
// --------------------------------------------------------------

// The choice after a name or a comparison: text for yes, text for no.
struct Branches {
  bool given = false;
  std::string_view if_true;
  std::string_view if_false;
};

struct Reference {
  enum class Kind { value, conditional, comparison, function } kind = Kind::value;
  std::string_view name;  // of the parameter or function
  std::string_view left;  // of a comparison
  std::string_view right;
  Operator operation = Operator::equal;
  bool by_level = false;
  Branches branches;
  std::string_view argument;
};

using Parsed = std::expected<Reference, base::Error>;

class BodyParser {
 public:
  explicit BodyParser(std::string_view body) : body_(body) {}

  Parsed parse() {
    Reference reference;
    skip_blanks();
    if (peek() == '{') {
      if (auto done = comparison(reference); !done) return std::unexpected(done.error());
    } else {
      const std::size_t start = next_;
      while (next_ < body_.size() && is_name_byte(body_[next_])) ++next_;
      reference.name = body_.substr(start, next_ - start);
      if (peek() == '{' && !reference.name.empty()) {
        reference.kind = Reference::Kind::function;
        auto argument = group();
        if (!argument) return std::unexpected(argument.error());
        reference.argument = *argument;
        skip_blanks();
        if (next_ < body_.size()) return std::unexpected(wrong_at("unexpected input", body_, next_));
        return reference;
      }
      const std::size_t end = next_;
      skip_blanks();
      if (next_ < body_.size() && peek() != '?' && peek() != ':') {
        return std::unexpected(wrong_at("attribute name syntax error", body_, end));
      }
      reference.kind = next_ < body_.size() ? Reference::Kind::conditional : Reference::Kind::value;
    }
    if (next_ < body_.size()) {
      if (auto done = branches(reference.branches); !done) return std::unexpected(done.error());
    }
    return reference;
  }

 private:
  char peek() const { return next_ < body_.size() ? body_[next_] : '\0'; }
  void skip_blanks() {
    while (next_ < body_.size() && base::is_blank(body_[next_])) ++next_;
  }

  // The inside of the { } that begins here.
  std::expected<std::string_view, base::Error> group() {
    const std::string_view rest = body_.substr(next_);
    const std::size_t length = base::balanced(rest);
    if (length == 0) {
      return std::unexpected(base::Error{"unbalanced {} in attribute expression: " + in_quotes(rest)});
    }
    next_ += length;
    return rest.substr(1, length - 2);
  }

  Done comparison(Reference& reference) {
    reference.kind = Reference::Kind::comparison;
    auto left = group();
    if (!left) return std::unexpected(left.error());
    reference.left = *left;
    skip_blanks();
    const auto found = std::ranges::find_if(
        kOperators, [&](const Spelling& spelling) { return body_.substr(next_).starts_with(spelling.text); });
    if (found == kOperators.end()) {
      return std::unexpected(wrong_at("\"==\" or \"!=\" or \"<\" or \"<=\" or \">=\" or \">\" expected", body_, next_));
    }
    next_ += found->text.size();
    reference.operation = found->meaning;
    const std::size_t suffix_start = next_;
    while (next_ < body_.size() && is_name_byte(body_[next_])) ++next_;
    const std::string_view suffix = body_.substr(suffix_start, next_ - suffix_start);
    if (!suffix.empty() && suffix != "level") {
      return std::unexpected(wrong_at("bad operator suffix", body_, suffix_start));
    }
    reference.by_level = !suffix.empty();
    const std::size_t after = next_;
    skip_blanks();
    if (peek() != '{') return std::unexpected(wrong_at("\"{expression}\" expected", body_, after));
    auto right = group();
    if (!right) return std::unexpected(right.error());
    reference.right = *right;
    skip_blanks();
    if (next_ < body_.size() && peek() != '?' && peek() != ':') {
      return std::unexpected(wrong_at("\"?\" or \":\" expected", body_, next_));
    }
    return {};
  }

  // A branch in braces, or the rest of the body as it is. `in_braces` tells which.
  std::expected<std::string_view, base::Error> branch(bool& in_braces) {
    const std::size_t start = next_;
    skip_blanks();
    in_braces = peek() == '{';
    if (!in_braces) {
      next_ = body_.size();
      return body_.substr(start);
    }
    auto inside = group();
    skip_blanks();
    return inside;
  }

  Done branches(Branches& branches) {
    branches.given = true;
    bool in_braces = false;
    if (peek() == '?') {
      ++next_;
      auto text = branch(in_braces);
      if (!text) return std::unexpected(text.error());
      branches.if_true = *text;
      if (next_ == body_.size()) return {};
      if (peek() != ':') return std::unexpected(wrong_at("\":\" expected", body_, next_));
    }
    ++next_;
    auto text = branch(in_braces);
    if (!text) return std::unexpected(text.error());
    branches.if_false = *text;
    if (next_ < body_.size()) return std::unexpected(wrong_at("unexpected input", body_, next_));
    return {};
  }

  std::string_view body_;
  std::size_t next_ = 0;
};

// Goes through text: plain pieces to `plain`, references to `refer`; both return Done.
template <typename Plain, typename Refer>
Done for_each_piece(std::string_view text, Plain plain, Refer refer) {
  const std::string_view whole = text;
  while (true) {
    const auto dollar = text.find('$');
    if (dollar != 0 && !text.empty()) {
      if (auto done = plain(text.substr(0, dollar)); !done) return done;
    }
    if (dollar == std::string_view::npos) return {};
    text.remove_prefix(dollar + 1);
    const char next = text.empty() ? '\0' : text.front();
    if (next == '$') {
      if (auto done = plain("$"); !done) return done;
      text.remove_prefix(1);
      continue;
    }
    Parsed reference;
    if (next == '{' || next == '(') {
      const std::size_t length = base::balanced(text, next, next == '{' ? '}' : ')');
      if (length == 0) return std::unexpected(base::Error{"truncated macro reference: " + in_quotes(whole)});
      if (length == 2) return std::unexpected(base::Error{"empty macro name: " + in_quotes(whole)});
      reference = BodyParser(text.substr(1, length - 2)).parse();
      if (!reference) return std::unexpected(reference.error());
      text.remove_prefix(length);
    } else {
      std::size_t length = 0;
      while (length < text.size() && is_name_byte(text[length])) ++length;
      if (length == 0) return std::unexpected(base::Error{"empty macro name: " + in_quotes(whole)});
      reference->name = text.substr(0, length);
      text.remove_prefix(length);
    }
    if (auto done = refer(*reference); !done) return done;
  }
}

// --- meaning
// --------------------------------------------------------------------------------------------------------------------

std::expected<std::string, base::Error> domain_to_ascii(const std::string& domain) {
  char* ascii = nullptr;
  const int status = ::idn2_to_ascii_8z(domain.c_str(), &ascii, IDN2_NONTRANSITIONAL);
  const std::unique_ptr<char, void (*)(void*)> owner(ascii, ::idn2_free);
  if (status != IDN2_OK) {
    return std::unexpected(base::Error{"domain_to_ascii: " + in_quotes(domain) + ": " + ::idn2_strerror(status)});
  }
  return std::string(ascii);
}

class Expander {
 public:
  Expander(const RawLookup& lookup, const ExpandLimits& limits) : lookup_(lookup), limits_(limits) {}

  Done append(std::string_view text, std::string& result) {
    return for_each_piece(
        text,
        [&](std::string_view plain) -> Done {
          if (auto done = charge(plain.size()); !done) return done;
          result += plain;
          return {};
        },
        [&](const Reference& reference) { return append_reference(reference, result); });
  }

 private:
  // Empty values cost as well, so that names that double their way down to nothing come to an end.
  Done charge(std::size_t bytes) {
    used_ += bytes + 1;
    if (used_ <= limits_.bytes) return {};
    return std::unexpected(base::Error{"the value grows beyond " + std::to_string(limits_.bytes) + " bytes"});
  }

  Done nested(std::string_view text, std::string_view name, std::string& result) {
    if (depth_ >= limits_.depth) {
      return std::unexpected(base::Error{"unreasonable macro call nesting: " + in_quotes(name)});
    }
    if (auto done = charge(0); !done) return done;
    ++depth_;
    auto done = append(text, result);
    --depth_;
    return done;
  }

  Done append_reference(const Reference& reference, std::string& result) {
    switch (reference.kind) {
      case Reference::Kind::value: {
        const auto value = lookup_(reference.name);
        return value ? nested(*value, reference.name, result) : Done{};
      }
      case Reference::Kind::conditional: {
        // The test looks at the value as it is written.
        const auto value = lookup_(reference.name);
        return append_branch(reference, value && !value->empty(), result);
      }
      case Reference::Kind::comparison: {
        auto truth = compare(reference);
        if (!truth) return std::unexpected(truth.error());
        if (reference.branches.given) return append_branch(reference, *truth, result);
        if (*truth) result += "true";
        return {};
      }
      case Reference::Kind::function:
        return append_function(reference, result);
    }
    return {};
  }

  Done append_branch(const Reference& reference, bool truth, std::string& result) {
    return nested(truth ? reference.branches.if_true : reference.branches.if_false, reference.name, result);
  }

  Done append_function(const Reference& reference, std::string& result) {
    if (reference.name != "domain_to_ascii") {
      return std::unexpected(base::Error{"unknown function: " + in_quotes(reference.name)});
    }
    std::string argument;
    if (auto done = nested(reference.argument, reference.name, argument); !done) return done;
    auto ascii = domain_to_ascii(argument);
    if (!ascii) return std::unexpected(ascii.error());
    result += *ascii;
    return charge(ascii->size());
  }

  std::expected<bool, base::Error> compare(const Reference& reference) {
    std::string left;
    std::string right;
    if (auto done = nested(reference.left, reference.left, left); !done) return std::unexpected(done.error());
    if (auto done = nested(reference.right, reference.right, right); !done) return std::unexpected(done.error());
    if (reference.by_level) {
      const auto order = compare_levels(left, right);
      if (!order) return std::unexpected(order.error());
      return holds(reference.operation, *order);
    }
    if (!base::all_digits(left) || !base::all_digits(right)) return holds(reference.operation, left.compare(right));
    const auto left_number = base::to_long(left);
    const auto right_number = base::to_long(right);
    if (!left_number || !right_number) {
      return std::unexpected(base::Error{"number too large: " + in_quotes(left_number ? right : left)});
    }
    return holds(reference.operation, *left_number < *right_number ? -1 : *left_number > *right_number ? 1 : 0);
  }

  const RawLookup& lookup_;
  const ExpandLimits& limits_;
  int depth_ = 0;
  std::size_t used_ = 0;
};

// For for_each_reference: how deep braces within braces are followed.
constexpr int kDeepestBraces = 100;

void visit(std::string_view text, const std::function<void(std::string_view)>& use, int depth) {
  if (depth > kDeepestBraces) return;
  static_cast<void>(for_each_piece(
      text, [](std::string_view) -> Done { return {}; },
      [&](const Reference& reference) -> Done {
        const bool is_parameter =
            reference.kind == Reference::Kind::value || reference.kind == Reference::Kind::conditional;
        if (is_parameter && !reference.name.empty()) use(reference.name);
        for (const auto part : {reference.left, reference.right, reference.branches.if_true,
                                reference.branches.if_false, reference.argument}) {
          visit(part, use, depth + 1);
        }
        return {};
      }));
}

// Up to three numbers with dots between them.
std::optional<std::array<long, 3>> level_numbers(std::string_view text) {
  std::array<long, 3> numbers{};
  for (std::size_t i = 0; i < numbers.size(); ++i) {
    const auto dot = text.find('.');
    const std::string_view digits = text.substr(0, dot);
    if (!base::all_digits(digits)) return std::nullopt;
    const auto number = base::to_long(digits);
    if (!number) return std::nullopt;
    numbers[i] = *number;
    if (dot == std::string_view::npos) return numbers;
    text.remove_prefix(dot + 1);
  }
  return std::nullopt;
}

}  // namespace

std::expected<std::string, base::Error> expand(std::string_view text, const RawLookup& lookup,
                                               const ExpandLimits& limits) {
  std::string result;
  if (auto done = Expander(lookup, limits).append(text, result); !done) return std::unexpected(done.error());
  return result;
}

void for_each_reference(std::string_view text, const std::function<void(std::string_view name)>& use) {
  visit(text, use, 0);
}

std::expected<int, base::Error> compare_levels(std::string_view a, std::string_view b) {
  const auto first = level_numbers(a);
  const auto second = level_numbers(b);
  if (!first || !second) {
    return std::unexpected(base::Error{"malformed compatibility level syntax: " + in_quotes(first ? b : a)});
  }
  return *first < *second ? -1 : *first > *second ? 1 : 0;
}

}  // namespace config
