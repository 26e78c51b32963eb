#include "sasl/security_options.h"

#include <gtest/gtest.h>

namespace {

TEST(SecurityOptions, WordsBySpaceOrCommaInAnyCase) {
  const auto options = sasl::parse_security_options("noplaintext, NoAnonymous mutual_auth");
  ASSERT_TRUE(options);
  EXPECT_TRUE(options->no_plaintext && options->no_anonymous && options->mutual_auth);
  EXPECT_FALSE(options->no_active || options->no_dictionary || options->forward_secrecy);
}

TEST(SecurityOptions, NothingIsAllowedToBeWritten) {
  EXPECT_TRUE(sasl::parse_security_options(""));
}

TEST(SecurityOptions, AnUnknownWordIsNamed) {
  const auto options = sasl::parse_security_options("noanonymous noplain");
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().text, "unknown SASL security options value \"noplain\" in \"noanonymous noplain\"");
}

}  // namespace
