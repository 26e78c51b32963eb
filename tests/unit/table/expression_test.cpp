#include "table/expression_table.h"

#include <random>

#include "asking.h"
#include "table/pcre.h"
#include "table/regexp.h"

namespace table {
namespace {

std::unique_ptr<ExpressionTable> table_of(std::string_view type, std::string_view rules, bool substitution = true) {
  auto language = type == "pcre" ? perl_expressions() : posix_expressions();
  auto table = ExpressionTable::read("x", RuleLines::of_text(type, rules, "x"), std::move(language), substitution);
  return table ? std::move(*table) : nullptr;
}

std::string ask_rules(std::string_view type, std::string_view rules, std::string_view key, bool substitution = true) {
  return told(table_of(type, rules, substitution)->lookup(key));
}

TEST(Expressions, FlagsToggle) {
  EXPECT_EQ(ask_rules("pcre", "/B/i x", "ab"), kNothing);
  EXPECT_EQ(ask_rules("pcre", "/B/ii x", "ab"), "x");
  EXPECT_EQ(ask_rules("pcre", "/^b/ x", "a\nb"), kNothing);
  EXPECT_EQ(ask_rules("pcre", "/^b/m x", "a\nb"), "x");
  EXPECT_EQ(ask_rules("pcre", "/a.b/ x", "a\nb"), "x");
  EXPECT_EQ(ask_rules("pcre", "/a.b/s x", "a\nb"), kNothing);
  EXPECT_EQ(ask_rules("pcre", "/a b/ x", "ab"), kNothing);
  EXPECT_EQ(ask_rules("pcre", "/a b/x x", "ab"), "x");
  EXPECT_EQ(ask_rules("pcre", "/b/A x", "ab"), kNothing);
  EXPECT_EQ(ask_rules("pcre", "/b$/ x", "ab\n"), "x");
  EXPECT_EQ(ask_rules("pcre", "/b$/E x", "ab\n"), kNothing);
  EXPECT_EQ(ask_rules("pcre", "/(a.*)/U $1", "ab"), "a");
  EXPECT_EQ(ask_rules("regexp", "/x.ab/ k", "x\nab"), "k");
  EXPECT_EQ(ask_rules("regexp", "/x.ab/m k", "x\nab"), kNothing);
  EXPECT_EQ(ask_rules("regexp", "/\\(a\\)\\(a\\)/x $1", "aaa"), "a");
  EXPECT_EQ(ask_rules("regexp", "/a+$/x k", "a+"), "k");
}

TEST(Expressions, PosixTakesTheLongestMatchPerlTheFirst) {
  EXPECT_EQ(ask_rules("regexp", "/(a|ab)/ $1", "abcd"), "ab");
  EXPECT_EQ(ask_rules("pcre", "/(a|ab)/ $1", "abcd"), "a");
}

TEST(Expressions, SubstitutionIsRefusedWhereItIsNotAllowed) {
  for (const char* type : {"regexp", "pcre"}) {
    const logging::Capture capture;
    EXPECT_EQ(ask_rules(type, "/(a)/ $1\n/a/ $$\n", "a", false), "$");
    EXPECT_EQ(warnings(capture, std::string(type) + " map x, "),
              "line 1: regular expression substitution is not allowed: skipping this rule");
  }
}

TEST(Expressions, AGroupThatTookNoPartIsEmpty) {
  for (const char* type : {"regexp", "pcre"}) {
    EXPECT_EQ(ask_rules(type, "/(x)|(a)/ [$1][$2]", "a"), "[][a]");
    EXPECT_EQ(ask_rules(type, "/a(x)?(y)?/ [$1][$2]", "a"), "[][]");
    EXPECT_EQ(ask_rules(type, "/(b)(x)?|(a)/ $1$2$3\n", "a"), "a");
  }
}

TEST(Expressions, GroupsOfAnEarlierRuleDoNotLeakIntoALaterOne) {
  EXPECT_EQ(ask_rules("pcre", "/(a)(b)(c)z/ $3\n/(x)?a/ [$1]", "abc"), "[]");
}

TEST(Expressions, MatchingThatTakesTooLongIsGivenUpAndSaysNothing) {
  const std::string key(60, 'a');
  for (const char* rules : {"/^(a+)+$/ x\n/b/ y", "!/^(a+)+$/ x\n/b/ y", "if /^(a+)+$/\n/b/ x\nendif\n/b/ y"}) {
    const logging::Capture capture;
    EXPECT_EQ(ask_rules("pcre", rules, key + "b"), "y");
    EXPECT_EQ(warnings(capture, ""), "pcre map x, line 1: match limit exceeded");
  }
}

TEST(Expressions, ALongSubjectThatTheMachineCodeHasNoStackForIsMatchedAllTheSame) {
  const std::string key(100'000, 'a');
  EXPECT_EQ(ask_rules("pcre", "/^(?:a|(b))*$/ x", key), "x");
}

TEST(Expressions, PosixExpressionsThatWouldExhaustTheCompilerAreRefused) {
  for (const std::string& pattern : {std::string(100'000, '(') + std::string(100'000, ')'),
                                     std::string("((a{1,999}){1,999}){1,999}"), "(" + std::string("a?") + "){30000}"}) {
    const logging::Capture capture;
    EXPECT_EQ(ask_rules("regexp", "/" + pattern + "/ x\n/a/ y", "a"), "y");
    EXPECT_EQ(warnings(capture, ""), "regexp map x, line 1: Regular expression too big");
  }
  EXPECT_EQ(ask_rules("regexp", "/^((a{1,99}){1,99})$/ x", std::string(500, 'a')), "x");
}

TEST(Expressions, ManyRulesAreNotSlow) {
  std::string rules;
  for (int i = 0; i < 1000; ++i) rules += fmt::format("/^user{}@example{}\\.com$/ v{}\n", i, i, i);
  const auto table = table_of("pcre", rules);
  EXPECT_EQ(table->filtered_count(), 1000U);
  EXPECT_EQ(told(table->lookup("USER7@example7.com")), "v7");
  EXPECT_EQ(told(table->lookup("user7@example8.com")), kNothing);
}

// Expressions of the constructs that the filter reads, and of some that it must leave alone.
class RandomRules {
 public:
  RandomRules(unsigned seed, bool perl) : random_(seed), perl_(perl) {}
  unsigned below(std::size_t n) { return static_cast<unsigned>(random_() % n); }
  template <std::size_t n>
  std::string one_of(const char* const (&choices)[n]) {
    return choices[below(n)];
  }

  std::string alternatives(int depth) {
    std::string text = sequence(depth);
    while (below(4) == 0) text += '|' + sequence(depth);
    return text;
  }
  std::string sequence(int depth) {
    std::string text;
    for (unsigned i = below(5) + 1; i > 0; --i) text += atom(depth) + quantifier();
    return text;
  }
  std::string atom(int depth) {
    const unsigned kind = below(20);
    if (kind < 11) return std::string(1, "abcxkABCK@-:"[below(12)]);
    if (kind == 11) return "\\.";
    if (kind == 12) return ".";
    if (kind == 13)
      return one_of({"[abc]", "[^a]", "[[:alpha:]]", "[]x]", "[^]x]", "[a-c]", "[[.-.]a]", "[x[:digit:]]"});
    if (kind == 14) return one_of({"^", "$", "\\b", "\\w", "\\W", "\\<", "\\B", "\\>"});
    if (kind < 17 && perl_) {
      return one_of({"\\d",       "(?i)",  "(?-i)",     "(?#abc)", "\\Qa.b\\E", "\\x61",     "[\\]a]",  "[\\Qa]\\E]",
                     "\\K",       "(?=a)", "(?!abc)",   "(?<=b)",  "(?<!c)",    "(?:",       "(?|a|b)", "(?<n>ab)",
                     "(?(1)a|b)", "\\1",   "(*ACCEPT)", "\\N",     "\\R",       "(?x: a b)", "\\141",   "(?>ab|a)"});
    }
    if (depth < 3) return (perl_ && below(3) == 0 ? "(?:" : "(") + alternatives(depth + 1) + ")";
    return "a";
  }
  std::string quantifier() {
    if (below(3) > 0) return "";
    return one_of(
        {"*", "+", "?", "{2}", "{0,1}", "{1,2}", "{0}", "+?", "*?", "{1}?", "{1,}", "++", "{,2}", "{x}", "??"});
  }
  std::string rules() {
    std::string text;
    for (unsigned i = 0; i < 12; ++i) {
      const unsigned kind = below(12);
      const std::string expression = "/" + alternatives(0) + "/" + (below(5) == 0 ? one_of({"i", "m", "x", "xi"}) : "");
      if (kind == 0)
        text += "if " + expression + "\n";
      else if (kind == 1)
        text += "endif\n";
      else
        text += (kind == 2 ? "!" : "") + expression + " r" + std::to_string(i) + (below(4) == 0 ? "$1" : "") + "\n";
    }
    return text;
  }
  std::string key() {
    std::string text;
    for (unsigned i = below(12) + 1; i > 0; --i) text += "abcxkABCK@-:.d\n"[below(15)];
    return text;
  }

 private:
  std::mt19937 random_;
  bool perl_;
};

TEST(Expressions, TheFilterAnswersAsAScanDoes) {
  const logging::Capture silence;
  std::size_t filtered = 0;
  std::size_t found = 0;
  for (const std::string_view type : {"regexp", "pcre"}) {
    for (unsigned seed = 0; seed < 1500; ++seed) {
      RandomRules random(seed, type == "pcre");
      const std::string rules = random.rules();
      const auto table = table_of(type, rules);
      filtered += table->filtered_count();
      for (int i = 0; i < 40; ++i) {
        const std::string key = random.key();
        const std::string answer = told(table->lookup(key));
        found += answer != kNothing;
        ASSERT_EQ(answer, told(table->lookup_without_filter(key))) << type << " seed " << seed << " key " << key << "\n"
                                                                   << rules;
      }
    }
  }
  // A test in which nothing is filtered, or nothing found, would tell nothing.
  EXPECT_GT(filtered, 5000U);
  EXPECT_GT(found, 10000U);
}

}  // namespace
}  // namespace table
