// regexp: POSIX expressions, through the C library.
#include "table/regexp.h"

#include <regex.h>

#include "base/text.h"
#include "table/types.h"

namespace table {

namespace {

// The C library's compiler recurses for each parenthesis and copies what is repeated, without limits of its own.
constexpr std::size_t kDeepestGroup = 100;
constexpr std::uint64_t kMostParts = 20'000;

std::string message_of(int error, const regex_t& expression) {
  char text[256];
  ::regerror(error, &expression, text, sizeof text);
  return text;
}

class PosixExpression final : public Expression {
 public:
  PosixExpression() = default;
  PosixExpression(const PosixExpression&) = delete;
  PosixExpression& operator=(const PosixExpression&) = delete;
  ~PosixExpression() override {
    if (compiled_) ::regfree(&expression_);
  }

  std::expected<void, std::string> compile(const std::string& pattern, int flags) {
    if (const int error = ::regcomp(&expression_, pattern.c_str(), flags); error != 0) {
      return std::unexpected(message_of(error, expression_));
    }
    compiled_ = true;
    return {};
  }

  int group_count() const override { return static_cast<int>(expression_.re_nsub); }

  std::expected<bool, std::string> match(const std::string& subject, std::span<Group> groups) override {
    found_.resize(std::max<std::size_t>(groups.size(), 1));
    found_[0] = {0, static_cast<regoff_t>(subject.size())};
    const int error = ::regexec(&expression_, subject.c_str(), groups.size(), found_.data(), REG_STARTEND);
    if (error == REG_NOMATCH) return false;
    if (error != 0) return std::unexpected(message_of(error, expression_));
    for (std::size_t i = 0; i < groups.size(); ++i) {
      if (found_[i].rm_so < 0) continue;
      groups[i] = {static_cast<std::size_t>(found_[i].rm_so), static_cast<std::size_t>(found_[i].rm_eo)};
    }
    return true;
  }

 private:
  regex_t expression_{};
  bool compiled_ = false;
  std::vector<regmatch_t> found_;
};

// Whether the expression is small enough to be compiled: an estimate of the parts it has when each repetition is
// written out.
class SizeEstimate {
 public:
  static bool is_reasonable(std::string_view pattern, bool extended) {
    SizeEstimate estimate(extended);
    while (!pattern.empty()) {
      if (!estimate.take(pattern)) return false;
    }
    return true;
  }

 private:
  explicit SizeEstimate(bool extended) : extended_(extended) {}

  // Takes one part off the pattern; false when the limits are passed.
  bool take(std::string_view& pattern) {
    char c = pattern.front();
    bool special = extended_;  // ( ) { are so with a backslash in basic expressions, without one in extended ones
    pattern.remove_prefix(1);
    if (c == '\\' && !pattern.empty()) {
      c = pattern.front();
      special = !extended_;
      pattern.remove_prefix(1);
    } else if (c == '[') {
      const auto end = pattern.find(']', pattern.starts_with("^") ? 2 : 1);
      pattern.remove_prefix(end == std::string_view::npos ? pattern.size() : end + 1);
      return part(1);
    } else if (c == '*' || c == '+' || c == '?') {
      return repeat(2);
    }
    if (special && c == '(') {
      groups_.push_back(0);
      last_ = 0;
      return groups_.size() <= kDeepestGroup;
    }
    if (special && c == ')' && groups_.size() > 1) {
      const std::uint64_t size = groups_.back();
      groups_.pop_back();
      return part(size + 1);
    }
    if (special && c == '{') {
      const auto size = std::min(pattern.find_first_not_of("0123456789,"), pattern.size());
      std::uint64_t most = 1;
      for (const std::string_view bound : base::split(pattern.substr(0, size), ",")) {
        most = std::max<std::uint64_t>(most, base::to_unsigned(bound).value_or(1));
      }
      pattern.remove_prefix(size);
      return most > RE_DUP_MAX || repeat(most);  // the library refuses more than RE_DUP_MAX by itself
    }
    return part(1);
  }

  bool part(std::uint64_t size) {
    last_ = size;
    groups_.back() += size;
    return groups_.back() <= kMostParts;
  }

  bool repeat(std::uint64_t times) {
    groups_.back() += last_ * (times - 1);
    last_ *= times;
    return groups_.back() <= kMostParts;
  }

  bool extended_;
  std::vector<std::uint64_t> groups_{0};  // the sizes of those that are open
  std::uint64_t last_ = 0;                // what a repetition would repeat
};

class Posix final : public ExpressionLanguage {
 public:
  std::string_view open_end_verdict() const override { return "skipping this rule"; }

  std::expected<Compiled, std::string> compile(const std::string& pattern, std::string_view flags, int groups,
                                               const std::function<void(std::string_view)>&) override {
    int options = REG_EXTENDED | REG_ICASE;
    for (const char flag : flags) {
      switch (flag) {
        case 'i':
          options ^= REG_ICASE;
          break;
        case 'm':
          options ^= REG_NEWLINE;
          break;
        case 'x':
          options ^= REG_EXTENDED;
          break;
        default:
          return std::unexpected(fmt::format("unknown regexp option \"{}\": skipping this rule", flag));
      }
    }
    if (groups == 0) options |= REG_NOSUB;
    if (!SizeEstimate::is_reasonable(pattern, (options & REG_EXTENDED) != 0))
      return std::unexpected("Regular expression too big");
    auto expression = std::make_unique<PosixExpression>();
    if (auto compiled = expression->compile(pattern, options); !compiled) return std::unexpected(compiled.error());
    RequiredText required;
    if ((options & REG_EXTENDED) != 0) required = required_text(pattern, ExpressionSyntax::posix_extended);
    return Compiled{std::move(expression), std::move(required)};
  }
};

}  // namespace

std::unique_ptr<ExpressionLanguage> posix_expressions() {
  return std::make_unique<Posix>();
}

Opened open_regexp(const std::string& argument, const Settings&, const Options& options) {
  if (options.access != Access::read) return std::unexpected(read_only("regexp:" + argument));
  auto lines = RuleLines::open("regexp", argument);
  if (!lines) return std::unexpected(lines.error());
  return ExpressionTable::read("regexp:" + argument, std::move(*lines), posix_expressions(), options.allow_substitution,
                               options.values_are_files);
}

}  // namespace table
