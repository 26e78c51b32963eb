#include "mail/idn.h"

#include <gtest/gtest.h>

namespace {

using mail::ascii_domain;

TEST(AsciiDomain, IsWhatTheDnsKnows) {
  EXPECT_EQ(ascii_domain("example.org"), "example.org");
  EXPECT_EQ(ascii_domain("Jürgen.example"), "xn--jrgen-kva.example");
  EXPECT_EQ(ascii_domain("straße.example"), "xn--strae-oqa.example") << "as of 2008, not strasse";
}

TEST(AsciiDomain, TakesSymbols) {
  EXPECT_EQ(ascii_domain("☃.example"), "xn--n3h.example");
}

TEST(AsciiDomain, RefusesWhatIsNoName) {
  EXPECT_EQ(ascii_domain("\xff.example"), std::nullopt);
  EXPECT_EQ(ascii_domain(std::string("\xc3\xbc\0x", 4)), std::nullopt);
  EXPECT_EQ(ascii_domain("ü" + std::string(70, 'a') + ".example"), std::nullopt);
}

}  // namespace
