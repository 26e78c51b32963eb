// Rules of regexp and pcre tables, and what Postfix 3.7.11 makes of them: the answer for a key and the warnings on the
// way.
#include "asking.h"
#include "table/pcre.h"
#include "table/regexp.h"

namespace table {
namespace {

enum Types { kRegexp, kPcre, kBoth };

struct Case {
  Types types;
  std::string_view rules;
  std::string_view key;
  std::string_view answer;
  std::string_view warnings;
};

const Case kCases[] = {
    {kBoth, "/(a)(b)/ $1.com", "ab", "a.com", ""},
    {kBoth, "/(a)(b)/ $1-$2", "ab", "a-b", ""},
    {kBoth, "/(a)(b)/ $1_x", "ab", kNothing,
     "line 1: non-numeric replacement index \"1_x\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)(b)/ $1a", "ab", kNothing,
     "line 1: non-numeric replacement index \"1a\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ $01", "ab", "a", ""},
    {kBoth, "/(a)/ $123", "ab", kNothing, "line 1: out of range replacement index \"123\": skipping this rule"},
    {kBoth, "/(a)/ $(1", "ab", kNothing,
     "truncated macro reference: \"$(1\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ ${1)", "ab", kNothing,
     "truncated macro reference: \"${1)\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ ${ 1 }", "ab", kNothing,
     "line 1: non-numeric replacement index \" 1 \"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ ${}", "ab", kNothing,
     "empty macro name: \"${}\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ $()", "ab", kNothing,
     "empty macro name: \"$()\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ $", "ab", kNothing, "empty macro name: \"$\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ a$ b", "ab", kNothing,
     "empty macro name: \"a$ b\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ $-", "ab", kNothing, "empty macro name: \"$-\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ $$1", "ab", "$1", ""},
    {kBoth, "/(a)/ $$$1", "ab", "$a", ""},
    {kBoth, "/(a)/ ${1:x}", "ab", kNothing,
     "line 1: non-numeric replacement index \"1:x\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(x)?a/ [$1]", "ab", "[]", ""},
    {kBoth, "/(x)|(a)/ [$1][$2]", "ab", "[][a]", ""},
    {kBoth, "/((a))/ $2$1", "ab", "aa", ""},
    {kBoth, "/(a)/ $1$", "ab", kNothing,
     "empty macro name: \"$1$\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "!/x/ $$", "ab", "$", ""},
    {kBoth, "!/x/ a$$b", "ab", "a$b", ""},
    {kBoth, "!/x/ $", "ab", kNothing, "empty macro name: \"$\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "!/x/ ${", "ab", kNothing,
     "truncated macro reference: \"${\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ $1{", "ab", "a{", ""},
    {kBoth, "/(a)/ $ {1}", "ab", kNothing,
     "empty macro name: \"$ {1}\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ ${{1}}", "ab", kNothing,
     "line 1: non-numeric replacement index \"{1}\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "/(a)/ ${1}}", "ab", "a}", ""},
    {kBoth, "/(a)/ $x1", "ab", kNothing,
     "line 1: non-numeric replacement index \"x1\"|line 1: bad replacement syntax: skipping this rule"},
    {kBoth, "!/j/ $1", "ab", kNothing, "line 1: $number found in negative match replacement text: skipping this rule"},
    {kBoth, "/(x)/ $2 $3", "ab", kNothing, "line 1: out of range replacement index \"3\": skipping this rule"},
    {kBoth, "if", "ab", kNothing, "line 1: no regexp: skipping this rule"},
    {kRegexp, "if /", "ab", kNothing, "line 1: no closing regexp delimiter \"/\": skipping this rule"},
    {kPcre, "if /", "ab", kNothing, "line 1: no closing regexp delimiter \"/\": ignoring this rule"},
    {kRegexp, "if x", "ab", kNothing, "line 1: no closing regexp delimiter \"x\": skipping this rule"},
    {kPcre, "if x", "ab", kNothing, "line 1: no closing regexp delimiter \"x\": ignoring this rule"},
    {kBoth, "if/a/\n/a/ in\nendif", "ab", "in", ""},
    {kBoth, "iffy", "ab", kNothing, "line 1: ignoring unrecognized request"},
    {kBoth, "if !/x/\n/a/ in\nendif", "ab", "in", ""},
    {kBoth, "if !!/x/\n/a/ in\nendif", "ab", kNothing, ""},
    {kBoth, "!!/x/ y", "ab", kNothing, ""},
    {kBoth, "! /x/ y", "ab", "y", ""},
    {kBoth, "if /A/i\n/a/ in\nendif", "ab", kNothing, ""},
    {kBoth, "endiffoo", "ab", kNothing, "line 1: ignoring unrecognized request"},
    {kBoth, "endif", "ab", kNothing, "line 1: ignoring ENDIF without matching IF"},
    {kBoth, "endif foo\n/a/ x", "ab", "x", "line 1: ignoring ENDIF without matching IF"},
    {kBoth, "if /b/ # c\n/a/ in\nendif", "ab", "in",
     "line 1: ignoring extra text after IF statement: \"# c\"|line 1: do not prepend whitespace to statements between "
     "IF and ENDIF"},
    {kRegexp, "if /(/\n/a/ in\nendif", "ab", "in",
     "line 1: Unmatched ( or \\(|line 3: ignoring ENDIF without matching IF"},
    {kPcre, "if /(/\n/a/ in\nendif", "ab", "in",
     "line 1: error in regex at offset 1: missing closing parenthesis|line 3: ignoring ENDIF without matching IF"},
    {kBoth, "if /x/\nif /y/\n/a/ in\nendif\n/b/ z", "ab", kNothing, "line 1: IF has no matching ENDIF"},
    {kBoth, "/\\//  s", "ab", kNothing, ""},
    {kBoth, "=a\\=b= x", "ab", kNothing, ""},
    {kBoth, "=a=b= x", "ab", kNothing, "line 1: unknown regexp option \"b\": skipping this rule"},
    {kBoth, "/a/ii x", "ab", "x", ""},
    {kBoth, "/A/ii x", "ab", "x", ""},
    {kBoth, "/A/i x", "ab", kNothing, ""},
    {kBoth, "/a/imx x", "ab", "x", ""},
    {kBoth, "/a/\tx\ty", "ab", "x\ty", ""},
    {kBoth, "/a/\n  x", "ab", "x", ""},
    {kBoth, "/a/ x\n  y", "ab", "x  y", ""},
    {kBoth, "!/a/ x\n!/z/ y", "ab", "y", ""},
    {kBoth, "//  empty", "ab", "empty", ""},
    {kBoth, "/a/", "ab", "", "line 1: no replacement text: using empty string"},
    {kBoth, "!/x/", "ab", "", "line 1: no replacement text: using empty string"},
    {kBoth, "if //\n/a/ x\nendif", "ab", "x", ""},
    {kBoth, "if /a/x/\n/a/ y\nendif", "ab", "y",
     "line 1: unknown regexp option \"/\": skipping this rule|line 3: ignoring ENDIF without matching IF"},
    {kBoth, "/a/#x y", "ab", kNothing, "line 1: unknown regexp option \"#\": skipping this rule"},
    {kBoth, "1a1 x", "ab", kNothing, "line 1: ignoring unrecognized request"},
    {kBoth, "_a_ x", "ab", "x", ""},
    {kBoth, "{a{ x", "ab", "x", ""},
    {kBoth, "(a( x", "ab", "x", ""},
    {kBoth, ".a. x", "ab", "x", ""},
    {kBoth, "\"a\" x", "ab", "x", ""},
    {kBoth, ":a: x", "ab", "x", ""},
    {kBoth, "if !\n/a/ x", "ab", "x", "line 1: no regexp: skipping this rule"},
    {kBoth, "!", "ab", kNothing, "line 1: no regexp: skipping this rule"},
    {kRegexp, "/", "ab", kNothing, "line 1: no closing regexp delimiter \"/\": skipping this rule"},
    {kPcre, "/", "ab", kNothing, "line 1: no closing regexp delimiter \"/\": ignoring this rule"},
    {kBoth, "//", "ab", "", "line 1: no replacement text: using empty string"},
    {kBoth, "ifx/a/", "ab", kNothing, "line 1: ignoring unrecognized request"},
    {kBoth, "if\t/a/\n/a/ tab\nendif", "ab", "tab", ""},
    {kBoth, "If /a/\n/b/ x\nEndIf", "ab", "x", ""},
    {kBoth, "if /x/\nendif endif\n/a/ y", "ab", "y", "line 2: ignoring extra text after ENDIF"},
    {kBoth, "/a/x y", "ab", "y", ""},
    {kBoth, "/a/m y", "ab", "y", ""},
    {kBoth, "/a z/ y\n/[a-c]{2}$/ w", "ab", "w", ""},
    {kBoth, "/^(10|11)\\.1\\.(.*)$/ <$1|$2>", "ab", kNothing, ""},
    {kBoth, "/(a+?)(b*)/ $1 $2", "ab", "a b", ""},
    {kBoth, "/x.y/ dot", "ab", kNothing, ""},
    {kBoth, "/x.y/ dot", "x\ny", "dot", ""},
    {kBoth, "/^y$/m multi", "ab", kNothing, ""},
    {kBoth, "/^y$/m multi", "x\ny", "multi", ""},
    {kBoth, "/^y$/ nomulti\n/^x/ x", "ab", kNothing, ""},
    {kBoth, "/^y$/ nomulti\n/^x/ x", "x\ny", "x", ""},
    {kBoth, "/[[:alpha:]]+/ alpha", "ab", "alpha", ""},
    {kBoth, "/[^[:alpha:]]+/ nonalpha", "ab", kNothing, ""},
    {kBoth, "/a|b|c/ alt", "ab", "alt", ""},
    {kBoth, "/(foo|ab|bar)$/ $1", "ab", "ab", ""},
    {kBoth, "/\\bab\\b/ word", "ab", "word", ""},
    {kRegexp, "/\\<ab\\>/ word2", "ab", "word2", ""},
    {kPcre, "/\\<ab\\>/ word2", "ab", kNothing, ""},
    {kBoth, "/a{0}b/ b", "ab", "b", ""},
    {kRegexp, "/a{1,/ b", "ab", kNothing, "line 1: Unmatched \\{"},
    {kPcre, "/a{1,/ b", "ab", kNothing, ""},
    {kRegexp, "/a{,2}b/ b", "ab", "b", ""},
    {kPcre, "/a{,2}b/ b", "ab", kNothing, ""},
    {kBoth, "/\\d+\\.\\d+/ num", "ab", kNothing, ""},
    {kBoth, "/[]a]/ br", "ab", "br", ""},
    {kBoth, "/[^]a]/ nbr", "ab", "nbr", ""},
    {kRegexp, "/[a/ unterminated", "ab", kNothing, "line 1: Unmatched [, [^, [:, [., or [="},
    {kPcre, "/[a/ unterminated", "ab", kNothing,
     "line 1: error in regex at offset 2: missing terminating ] for character class"},
    {kRegexp, "/a**/ x", "ab", "x", ""},
    {kPcre, "/a**/ x", "ab", kNothing,
     "line 1: error in regex at offset 2: quantifier does not follow a repeatable item"},
    {kRegexp, "/*a/ x", "ab", kNothing, "line 1: Invalid preceding regular expression"},
    {kPcre, "/*a/ x", "ab", kNothing,
     "line 1: error in regex at offset 0: quantifier does not follow a repeatable item"},
    {kRegexp, "/+a/ x", "ab", kNothing, "line 1: Invalid preceding regular expression"},
    {kPcre, "/+a/ x", "ab", kNothing,
     "line 1: error in regex at offset 0: quantifier does not follow a repeatable item"},
    {kRegexp, "/a)/ x", "ab", kNothing, ""},
    {kPcre, "/a)/ x", "ab", kNothing, "line 1: error in regex at offset 1: unmatched closing parenthesis"},
    {kBoth, "/()/ x", "ab", "x", ""},
    {kRegexp, "/^*a/ x", "ab", kNothing, "line 1: Invalid preceding regular expression"},
    {kPcre, "/^*a/ x", "ab", kNothing,
     "line 1: error in regex at offset 1: quantifier does not follow a repeatable item"},
    {kRegexp, "/a\\/ x", "ab", kNothing, "line 1: no closing regexp delimiter \"/\": skipping this rule"},
    {kPcre, "/a\\/ x", "ab", kNothing, "line 1: no closing regexp delimiter \"/\": ignoring this rule"},
    {kBoth, "/\\(a\\)/ x", "ab", kNothing, ""},
    {kBoth, "/(a)\\1/ x", "ab", kNothing, ""},
    {kRegexp, "/a(b(c/ x", "ab", kNothing, "line 1: Unmatched ( or \\("},
    {kPcre, "/a(b(c/ x", "ab", kNothing, "line 1: error in regex at offset 5: missing closing parenthesis"},
    {kBoth, "# comment\n/a/ x # not a comment", "ab", "x # not a comment", ""},
    {kRegexp, "/ab\nc/ x\n/a/ y\n z", "ab", "y z",
     "line 1: no closing regexp delimiter \"/\": skipping this rule|line 2: ignoring unrecognized request"},
    {kPcre, "/ab\nc/ x\n/a/ y\n z", "ab", "y z",
     "line 1: no closing regexp delimiter \"/\": ignoring this rule|line 2: ignoring unrecognized request"},
};

void check(const Case& expected, std::string_view type, std::unique_ptr<ExpressionLanguage> language) {
  SCOPED_TRACE(std::string(type) + " " + std::string(expected.rules));
  const logging::Capture capture;
  auto table = ExpressionTable::read("x", RuleLines::of_text(type, expected.rules, "x"), std::move(language), true);
  ASSERT_TRUE(table);
  EXPECT_EQ(told((*table)->lookup(expected.key)), expected.answer);
  EXPECT_EQ(told((*table)->lookup_without_filter(expected.key)), expected.answer);
  EXPECT_EQ(warnings(capture, std::string(type) + " map x, "), expected.warnings);
}

TEST(ExpressionCases, AnswersAndWarningsAreThoseOfPostfix) {
  for (const Case& expected : kCases) {
    if (expected.types != kPcre) check(expected, "regexp", posix_expressions());
    if (expected.types != kRegexp) check(expected, "pcre", perl_expressions());
  }
}

}  // namespace
}  // namespace table
