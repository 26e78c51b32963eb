#include "mail/header_tokens.h"

#include <gtest/gtest.h>

namespace mail {
namespace {

using Texts = std::vector<std::string>;

// What rewriting makes of bare names in these tests.
std::string with_domain(const std::string& address) {
  return address.contains('@') || address.empty() ? address : address + "@h";
}

std::string rewritten(std::string_view value, std::size_t most = 1000) {
  return rewrite_addresses(value, most, with_domain, 3);  // "To:"
}

TEST(Tokens, KnowTheirKinds) {
  const auto tokens = tokenize("a \"b c\"@[1.2] (d(e))", 100);
  ASSERT_EQ(tokens.size(), 5U);
  EXPECT_EQ(tokens[0].kind, TokenKind::atom);
  EXPECT_EQ(tokens[1].kind, TokenKind::quoted_string);
  EXPECT_EQ(tokens[1].text, "b c");
  EXPECT_TRUE(tokens[2].is('@'));
  EXPECT_EQ(tokens[3].kind, TokenKind::domain_literal);
  EXPECT_EQ(tokens[3].text, "1.2");
  EXPECT_EQ(tokens[4].kind, TokenKind::comment);
  EXPECT_EQ(tokens[4].text, "(d(e))");
}

TEST(Tokens, AreBounded) {
  EXPECT_EQ(tokenize("a b c d", 2).size(), 2U);
}

TEST(Tokens, LoseTheirEscapes) {
  const auto tokens = tokenize("a\\ b \"c\\\"d\" e\\", 100);
  ASSERT_EQ(tokens.size(), 3U);
  EXPECT_EQ(tokens[0].text, "a b");
  EXPECT_EQ(tokens[1].text, "c\"d");
  EXPECT_EQ(tokens[2].text, "e");
}

TEST(Tokens, WithoutAnEndGoOnToTheEnd) {
  EXPECT_EQ(tokenize("(a (b) c", 9).size(), 1U);
  EXPECT_EQ(tokenize("\"a b", 9)[0].text, "a b");
  EXPECT_EQ(tokenize("[a b", 9)[0].text, "a b");
}

TEST(InternalText, SetsWordsApart) {
  EXPECT_EQ(internal_text(tokenize("a  \"b\". c(d)", 9)), "a b.c (d)");
  EXPECT_EQ(internal_text(tokenize("a<b", 9)), "a <b");
  EXPECT_EQ(internal_text(tokenize("a,b,", 9)), "a, b,");
}

TEST(AddressesIn, LookIntoGroupsAndBrackets) {
  EXPECT_EQ(addresses_in("a, Full Name <b@c>, grp: d, \"e f\"@g;, (x) h (y)", 100),
            (Texts{"a", "b@c", "d", "\"e f\"@g", "h"}));
}

TEST(AddressesIn, NeedNoCommas) {
  EXPECT_EQ(addresses_in("a b@c d", 100), (Texts{"a", "b@c", "d"}));
}

TEST(AddressesIn, FindNothingInNothing) {
  for (const char* none : {"", " ", ",", "(c)", "<>", "grp:;", ",,;"})
    EXPECT_EQ(addresses_in(none, 9), Texts{}) << none;
}

TEST(Rewriting, LeavesAHeaderAloneWhoseAddressesStay) {
  for (const char* same : {"  a@b ,c@d", " (x) a@b", " a@b c@d", "", " grp:;", " <>", " a@b.c:d", " a <(c)>"}) {
    EXPECT_EQ(rewritten(same), same);
  }
}

TEST(Rewriting, WritesTheListAnew) {
  EXPECT_EQ(rewritten("a"), " a@h");
  EXPECT_EQ(rewritten("   x@y  ,b"), " x@y, b@h");
  EXPECT_EQ(rewritten(" a b c"), " a@h, b@h, c@h");
  EXPECT_EQ(rewritten(" ,x,,y,"), " , x@h, , y@h, ");
}

TEST(Rewriting, KeepsPhrasesAndComments) {
  EXPECT_EQ(rewritten(" \"Doe, J\" <x>, (c) y (d)"), " \"Doe, J\" <x@h>, y@h (c) (d)");
  EXPECT_EQ(rewritten(" J. Doe <x>"), " J.Doe <x@h>");
  EXPECT_EQ(rewritten(" a@b <x>"), " a@b <x@h>");
  EXPECT_EQ(rewritten(" x (Comment (nested))"), " x@h (Comment (nested))");
  EXPECT_EQ(rewritten(" foo <(x)a> (z), c"), " foo <a@h (x)>(z), c@h");
}

TEST(Rewriting, KeepsGroups) {
  EXPECT_EQ(rewritten(" group: a, b;, c"), " group: a@h, b@h;, c@h");
  EXPECT_EQ(rewritten(" undisclosed-recipients:;, z"), " undisclosed-recipients: ;, z@h");
  EXPECT_EQ(rewritten(" x;y"), " x@h;, y@h");
  EXPECT_EQ(rewritten(" a:b:c;d"), " a:b: c@h;, d@h");
}

TEST(Rewriting, PutsACommaWhereOneWasForgotten) {
  EXPECT_EQ(rewritten(" a <b> c, d"), " a <b@h>, c@h, d@h");
  EXPECT_EQ(rewritten(" > a"), " >, a@h");
}

TEST(Rewriting, TakesNestedCommentsAsTheyAre) {
  EXPECT_EQ(rewritten(" unterm (abc, d"), " unterm@h (abc, d");
  EXPECT_EQ(rewritten(" (a\\)b) c"), " c@h (a\\)b)");
}

TEST(Rewriting, LeavesOutWhatIsBeyondTheTokenLimit) {
  EXPECT_EQ(rewritten(" a b c d", 2), " a@h, b@h");
  EXPECT_EQ(rewritten(" a,b,c", 4), " a@h, b@h, ");
}

TEST(Rewriting, FoldsBehindCommasAt70Bytes) {
  const std::string name(29, 'n');
  EXPECT_EQ(rewritten(name + ",x" + name), " " + name + "@h, x" + name + "@h");  // 3 + 33 + 33
  EXPECT_EQ(rewritten(name + ",xy" + name), " " + name + "@h,\n\txy" + name + "@h");
}

TEST(Rewriting, JoinsLinesThatFit) {
  EXPECT_EQ(rewritten(" a,\n b,\n\tc"), " a@h, b@h, c@h");
}

TEST(Rewriting, KeepsTheLinesOfALongComment) {
  const std::string comment = "(" + std::string(60, 'c') + "\n " + std::string(60, 'd') + ")";
  EXPECT_EQ(rewritten(" a " + comment), " a@h " + comment);
}

TEST(Rewriting, TakesTheResultForOneAddress) {
  EXPECT_EQ(rewrite_addresses(" x", 9, [](const std::string&) { return "\"a b\"@c"; }), " \"a b\"@c");
  EXPECT_EQ(rewrite_addresses(" x", 9, [](const std::string&) { return "a@\"b c\""; }), " a@b c");
}

TEST(Rewriting, LeavesAnAddressAloneThatMuchStandsAround) {
  const std::string limit = std::string(247, 'p');  // with its blank and < > 250
  EXPECT_EQ(rewritten(" " + limit + " <a>"), " " + limit + " <a@h>");
  EXPECT_EQ(rewritten(" " + limit + "p <a>"), " <a@h>");
  EXPECT_EQ(rewritten(" " + limit + "p <a@h>"), " " + limit + "p <a@h>");  // nothing is written anew
  EXPECT_EQ(rewritten(" a (x), b (" + std::string(300, 'c') + ")"), " a@h (x), <b@h>");
  EXPECT_EQ(rewritten(" " + limit + "p <>, a"), " <>, a@h");
  EXPECT_EQ(rewritten(" a, (" + limit + ")"), " a@h,\n\t(" + limit + ")");
}

TEST(Rewriting, DoesNotAskForTheEmptyAddress) {
  int asked = 0;
  rewrite_addresses(" <>, ,;", 9, [&](const std::string& address) {
    ++asked;
    return address;
  });
  EXPECT_EQ(asked, 0);
}

TEST(Phrase, IsQuotedWhenItHasSpecials) {
  EXPECT_EQ(quoted_phrase("Full Name"), "Full Name");
  EXPECT_EQ(quoted_phrase("Doe, John"), "\"Doe, John\"");
  EXPECT_EQ(quoted_phrase("A \"B\" \\C"), "\"A \\\"B\\\" \\\\C\"");
  EXPECT_EQ(quoted_phrase("50%!"), "\"50%!\"");
  EXPECT_EQ(quoted_phrase(""), "\"\"");
}

}  // namespace
}  // namespace mail
