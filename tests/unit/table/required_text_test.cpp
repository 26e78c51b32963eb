#include "table/required_text.h"

namespace table {
namespace {

RequiredText perl(std::string_view expression) {
  return required_text(expression, ExpressionSyntax::perl);
}
RequiredText posix(std::string_view expression) {
  return required_text(expression, ExpressionSyntax::posix_extended);
}

using Required = RequiredText;

TEST(RequiredText, IsEachRunOfPlainCharacters) {
  EXPECT_EQ(perl("^Subject: make money"), (Required{{"subject: make money"}}));
  EXPECT_EQ(perl("ab.cde.f"), (Required{{"ab"}, {"cde"}, {"f"}}));
  EXPECT_EQ(posix("^owner-.*@example\\.com$"), (Required{{"owner-"}, {"@example.com"}}));
  EXPECT_EQ(perl("a(b(c)d)e"), (Required{{"a"}, {"b"}, {"c"}, {"d"}, {"e"}}));
}

TEST(RequiredText, LeavesOutWhatMayBeAbsent) {
  EXPECT_EQ(perl("abc?"), (Required{{"ab"}}));
  EXPECT_EQ(perl("abc*d"), (Required{{"ab"}, {"d"}}));
  EXPECT_EQ(perl("abc{0,3}"), (Required{{"ab"}}));
  EXPECT_EQ(perl("(abc)?d"), (Required{{"d"}}));
  EXPECT_EQ(posix("ab+?cd"), (Required{{"a"}, {"cd"}}));  // (b+)? in POSIX
  EXPECT_EQ(perl("xab+?cd"), (Required{{"xab"}, {"cd"}}));
}

TEST(RequiredText, TakesTheBestOfEachAlternative) {
  EXPECT_EQ(perl("abc|d.efg"), (Required{{"abc", "efg"}}));
  EXPECT_EQ(perl("(?:foo|bar)@x"), (Required{{"foo", "bar"}, {"@x"}}));
  EXPECT_EQ(perl("abc|d*"), Required{});
  EXPECT_EQ(perl("(abc|)x"), (Required{{"x"}}));
}

TEST(RequiredText, IsNotTakenFromLookArounds) {
  EXPECT_EQ(perl("(?=abcdef)gh"), (Required{{"gh"}}));
  EXPECT_EQ(perl("ab(?!cdef)"), (Required{{"ab"}}));
}

TEST(RequiredText, IsUnknownWhereTheExpressionIsNotUnderstood) {
  for (const char* expression :
       {"(?i)abc", "abc(?x) d e", "\\Qabc\\E", "\\x61bc", "(*UTF)abc", "(?<n>abc)", "abc\\1", "ab(?(1)c)", "abc\\K",
        "abc{,2}", "{abc", "[abc", "(abc", "abc)", "a**", "abc\\", "^*abc", "(?#x)abc"}) {
    EXPECT_EQ(perl(expression), Required{}) << expression;
  }
  for (const char* expression : {"^*abc", "(*abc)", "abc\\1", "{abc", "a|*b", "(?:abc)"}) {
    EXPECT_EQ(posix(expression), Required{}) << expression;
  }
}

TEST(RequiredText, ReadsBracketsAsEachLanguageDoes) {
  EXPECT_EQ(perl("[\\]abc]de"), (Required{{"de"}}));
  EXPECT_EQ(posix("[\\]abc"), (Required{{"abc"}}));
  EXPECT_EQ(perl("[]abc]de"), (Required{{"de"}}));
  EXPECT_EQ(perl("[^]abc]de"), (Required{{"de"}}));
  EXPECT_EQ(perl("[[:alpha:]]de"), (Required{{"de"}}));
}

TEST(RequiredText, DeepNestingIsNotFollowed) {
  const std::string deep(100'000, '(');
  EXPECT_EQ(perl(deep + "abc" + std::string(100'000, ')')), Required{});
}

}  // namespace
}  // namespace table
