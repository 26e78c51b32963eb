#include "sasl/base64.h"

#include <gtest/gtest.h>

namespace {

using sasl::decode_base64;
using sasl::encode_base64;

TEST(Base64, KnownPairsGoBothWays) {
  const std::pair<std::string, std::string> pairs[] = {{"", ""},        {"f", "Zg=="},        {"fo", "Zm8="},
                                                       {"foo", "Zm9v"}, {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}};
  for (const auto& [bytes, text] : pairs) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(decode_base64(text), bytes);
  }
}

TEST(Base64, AllBytesSurvive) {
  std::string bytes;
  for (int c = 0; c < 256; ++c) bytes += static_cast<char>(c);
  for (std::size_t size = 0; size <= bytes.size(); ++size) {
    const std::string part = bytes.substr(0, size);
    EXPECT_EQ(decode_base64(encode_base64(part)), part);
  }
}

TEST(Base64, WhatIsNotTheOneEncodingIsRefused) {
  for (const std::string_view text : {"Z", "Zg", "Zg=", "=", "==", "===", "====", "Zg==Zg==", "Z===", "Zg= =", "Zm9v\n",
                                      " Zm9v", "Zm-_", "Zh==", "Zm9=", "Zm9vZg"}) {
    EXPECT_FALSE(decode_base64(text)) << text;
  }
}

}  // namespace
