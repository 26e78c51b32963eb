#include "postexplain/json.h"

#include <gtest/gtest.h>

namespace postexplain {
namespace {

TEST(JsonText, IsEscaped) {
  EXPECT_EQ(json_string("a \"b\" \\c"), R"("a \"b\" \\c")");
  EXPECT_EQ(json_string("a\nb\x01"), R"("a\u000ab\u0001")");
  EXPECT_EQ(json_string("\xc3\xa9"), "\"\xc3\xa9\"");
  EXPECT_EQ(json_string("a\xff"), "\"a?\"");
}

TEST(JsonObject, HasItsCommas) {
  Json json;
  json.object().member("a", "x").null("b").array("c").text("y").text("z").end().member("d", true);
  json.array("e").object().member("f", 1).end().object().end().end().object("g").end().end();
  EXPECT_EQ(json.written(), R"({"a": "x", "b": null, "c": ["y", "z"], "d": true, "e": [{"f": 1}, {}], "g": {}})");
}

}  // namespace
}  // namespace postexplain
