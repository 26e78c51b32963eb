// pcre: Perl compatible expressions, through PCRE2 with its compiler to machine code.
#define PCRE2_CODE_UNIT_WIDTH 8
#include "table/pcre.h"

#include <pcre2.h>

#include "table/types.h"

namespace table {

namespace {

// No expression of an administrator and no subject of a stranger may hold up a process: a match ends after so many
// steps, which is a fraction of a second, and uses no more memory than this.
constexpr std::uint32_t kMostSteps = 10'000'000;
constexpr std::uint32_t kMostHeapKibibytes = 64 * 1024;
constexpr std::size_t kFirstStack = 32 * 1024;
constexpr std::size_t kLargestStack = 1024 * 1024;

template <auto free>
struct Freed {
  void operator()(auto* object) const { free(object); }
};
using Code = std::unique_ptr<pcre2_code, Freed<pcre2_code_free>>;
using MatchData = std::unique_ptr<pcre2_match_data, Freed<pcre2_match_data_free>>;
using MatchContext = std::unique_ptr<pcre2_match_context, Freed<pcre2_match_context_free>>;
using JitStack = std::unique_ptr<pcre2_jit_stack, Freed<pcre2_jit_stack_free>>;

std::string message_of(int error) {
  PCRE2_UCHAR text[256];
  if (pcre2_get_error_message(error, text, sizeof text) < 0) return fmt::format("error code {}", error);
  return reinterpret_cast<const char*>(text);
}

// What the expressions of a table share: one match at a time is under way in it.
struct Workshop {
  MatchContext context{pcre2_match_context_create(nullptr)};
  JitStack stack;  // made at the first use of machine code
  MatchData data;
  std::uint32_t pairs = 0;

  Workshop() {
    if (!context) throw std::bad_alloc();
    pcre2_set_match_limit(context.get(), kMostSteps);
    pcre2_set_heap_limit(context.get(), kMostHeapKibibytes);
  }

  void make_room(std::uint32_t wanted) {
    if (wanted <= pairs) return;
    data.reset(pcre2_match_data_create(wanted, nullptr));
    if (!data) throw std::bad_alloc();
    pairs = wanted;
  }

  void make_stack() {
    if (stack) return;
    stack.reset(pcre2_jit_stack_create(kFirstStack, kLargestStack, nullptr));
    if (stack) pcre2_jit_stack_assign(context.get(), nullptr, stack.get());
  }
};

class PerlExpression final : public Expression {
 public:
  PerlExpression(Code code, std::shared_ptr<Workshop> workshop)
      : code_(std::move(code)), workshop_(std::move(workshop)) {
    std::uint32_t count = 0;
    pcre2_pattern_info(code_.get(), PCRE2_INFO_CAPTURECOUNT, &count);
    group_count_ = static_cast<int>(count);
  }

  int group_count() const override { return group_count_; }

  std::expected<bool, std::string> match(const std::string& subject, std::span<Group> groups) override {
    prepare();
    int result = run(subject, use_jit_);
    // The stack of the machine code is small; the interpreter has the heap.
    if (result == PCRE2_ERROR_JIT_STACKLIMIT) result = run(subject, false);
    if (result == PCRE2_ERROR_NOMATCH) return false;
    if (result < 0) return std::unexpected(message_of(result));
    // 0: there are more groups than room; those that fit are there.
    const std::size_t set =
        std::min({result == 0 ? std::size_t{workshop_->pairs} : static_cast<std::size_t>(result), groups.size()});
    const std::size_t* offsets = pcre2_get_ovector_pointer(workshop_->data.get());
    for (std::size_t i = 0; i < set; ++i) groups[i] = {offsets[2 * i], offsets[2 * i + 1]};
    return true;
  }

 private:
  // Compiling to machine code takes longer than many a match: it waits until the expression is tried. Where it is
  // refused (no memory may be made executable) the interpreter does.
  void prepare() {
    if (prepared_) return;
    prepared_ = true;
    use_jit_ = pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE) == 0;
    if (use_jit_) workshop_->make_stack();
  }

  int run(std::string_view subject, bool jit) const {
    const auto* text = reinterpret_cast<PCRE2_SPTR>(subject.data());
    pcre2_match_data* data = workshop_->data.get();
    pcre2_match_context* context = workshop_->context.get();
    if (jit) return pcre2_jit_match(code_.get(), text, subject.size(), 0, 0, data, context);
    return pcre2_match(code_.get(), text, subject.size(), 0, PCRE2_NO_JIT, data, context);
  }

  Code code_;
  std::shared_ptr<Workshop> workshop_;
  int group_count_ = 0;
  bool prepared_ = false;
  bool use_jit_ = false;
};

class Perl final : public ExpressionLanguage {
 public:
  std::string_view open_end_verdict() const override { return "ignoring this rule"; }

  std::expected<Compiled, std::string> compile(const std::string& pattern, std::string_view flags, int groups,
                                               const std::function<void(std::string_view)>& remark) override {
    std::uint32_t options = PCRE2_CASELESS | PCRE2_DOTALL;
    for (const char flag : flags) {
      switch (flag) {
        case 'i':
          options ^= PCRE2_CASELESS;
          break;
        case 'm':
          options ^= PCRE2_MULTILINE;
          break;
        case 's':
          options ^= PCRE2_DOTALL;
          break;
        case 'x':
          options ^= PCRE2_EXTENDED;
          break;
        case 'A':
          options ^= PCRE2_ANCHORED;
          break;
        case 'E':
          options ^= PCRE2_DOLLAR_ENDONLY;
          break;
        case 'U':
          options ^= PCRE2_UNGREEDY;
          break;
        case 'X':
          remark("ignoring obsolete regexp option \"X\"");
          break;
        default:
          return std::unexpected(fmt::format("unknown regexp option \"{}\": skipping this rule", flag));
      }
    }
    int error = 0;
    std::size_t offset = 0;
    Code code(
        pcre2_compile(reinterpret_cast<PCRE2_SPTR>(pattern.data()), pattern.size(), options, &error, &offset, nullptr));
    if (!code) return std::unexpected(fmt::format("error in regex at offset {}: {}", offset, message_of(error)));
    workshop_->make_room(static_cast<std::uint32_t>(std::clamp(groups, 0, 0xffff)) + 1);
    RequiredText required;
    // Free spacing would have the reader know what blanks and # mean.
    if ((options & PCRE2_EXTENDED) == 0) required = required_text(pattern, ExpressionSyntax::perl);
    return Compiled{std::make_unique<PerlExpression>(std::move(code), workshop_), std::move(required)};
  }

 private:
  std::shared_ptr<Workshop> workshop_ = std::make_shared<Workshop>();
};

}  // namespace

std::unique_ptr<ExpressionLanguage> perl_expressions() {
  return std::make_unique<Perl>();
}

Opened open_pcre(const std::string& argument, const Settings&, const Options& options) {
  if (options.access != Access::read) return std::unexpected(read_only("pcre:" + argument));
  auto lines = RuleLines::open("pcre", argument);
  if (!lines) return std::unexpected(lines.error());
  return ExpressionTable::read("pcre:" + argument, std::move(*lines), perl_expressions(), options.allow_substitution,
                               options.values_are_files);
}

}  // namespace table
