#include "table/required_text.h"

namespace table {
namespace {

RequiredText perl(std::string_view expression) {
  return required_text(expression, ExpressionSyntax::perl);
}
RequiredText posix(std::string_view expression) {
  return required_text(expression, ExpressionSyntax::posix_extended);
}

using Texts = RequiredText;

TEST(RequiredText, IsTheLongestRunOfPlainCharacters) {
  EXPECT_EQ(perl("^Subject: make money"), Texts{"subject: make money"});
  EXPECT_EQ(perl("ab.cde.f"), Texts{"cde"});
  EXPECT_EQ(posix("^owner-.*@example\\.com$"), Texts{"@example.com"});
}

TEST(RequiredText, LeavesOutWhatMayBeAbsent) {
  EXPECT_EQ(perl("abc?"), Texts{"ab"});
  EXPECT_EQ(perl("abc*d"), Texts{"ab"});
  EXPECT_EQ(perl("abc{0,3}"), Texts{"ab"});
  EXPECT_EQ(perl("(abc)?d"), Texts{"d"});
  EXPECT_EQ(posix("ab+?cd"), Texts{"cd"});  // (b+)? in POSIX
  EXPECT_EQ(perl("xab+?cd"), Texts{"xab"});
}

TEST(RequiredText, TakesOneTextOfEachAlternative) {
  EXPECT_EQ(perl("abc|defg"), (Texts{"abc", "defg"}));
  EXPECT_EQ(perl("(?:foo|bar)@x"), (Texts{"foo", "bar"}));
  EXPECT_EQ(perl("abc|d*"), Texts{});
  EXPECT_EQ(perl("(abc|)x"), Texts{"x"});
  EXPECT_EQ(perl("(abc|x)longer"), Texts{"longer"});
}

TEST(RequiredText, IsNotTakenFromLookArounds) {
  EXPECT_EQ(perl("(?=abcdef)gh"), Texts{"gh"});
  EXPECT_EQ(perl("ab(?!cdef)"), Texts{"ab"});
}

TEST(RequiredText, IsUnknownWhereTheExpressionIsNotUnderstood) {
  for (const char* expression :
       {"(?i)abc", "abc(?x) d e", "\\Qabc\\E", "\\x61bc", "(*UTF)abc", "(?<n>abc)", "abc\\1", "ab(?(1)c)", "abc\\K",
        "abc{,2}", "{abc", "[abc", "(abc", "abc)", "a**", "abc\\", "^*abc", "(?#x)abc"}) {
    EXPECT_EQ(perl(expression), Texts{}) << expression;
  }
  for (const char* expression : {"^*abc", "(*abc)", "abc\\1", "{abc", "a|*b", "(?:abc)"})
    EXPECT_EQ(posix(expression), Texts{}) << expression;
}

TEST(RequiredText, ReadsBracketsAsEachLanguageDoes) {
  EXPECT_EQ(perl("[\\]abc]de"), Texts{"de"});
  EXPECT_EQ(posix("[\\]abc"), Texts{"abc"});
  EXPECT_EQ(perl("[]abc]de"), Texts{"de"});
  EXPECT_EQ(perl("[^]abc]de"), Texts{"de"});
  EXPECT_EQ(perl("[[:alpha:]]de"), Texts{"de"});
}

TEST(RequiredText, DeepNestingIsNotFollowed) {
  const std::string deep(100'000, '(');
  EXPECT_EQ(perl(deep + "abc" + std::string(100'000, ')')), Texts{});
}

}  // namespace
}  // namespace table
