#include "postmap/request.h"

#include <gtest/gtest.h>

#include <sstream>

#include "base/error.h"
#include "logging/log.h"
#include "postmap/output.h"

namespace postmap {

namespace {

Request parse(const std::string& line, const Dialect& dialect = kPostmap) {
  std::istringstream in(line);
  std::vector<std::string> words;
  for (std::string word; in >> word;) words.push_back(word);
  std::vector<char*> arguments;
  for (std::string& word : words) arguments.push_back(word.data());
  return parse_request(arguments, dialect);
}

std::string refusal(const std::string& line, const Dialect& dialect = kPostmap) {
  try {
    parse(line, dialect);
  } catch (const base::Fatal& problem) {
    return problem.what();
  }
  return "accepted";
}

}  // namespace

TEST(Request, MakesTablesByDefault) {
  const Request request = parse("hash:a btree:b");
  EXPECT_EQ(request.mode, Mode::create);
  EXPECT_EQ(request.tables, (std::vector<std::string>{"hash:a", "btree:b"}));
}

TEST(Request, AsksForOneThingOnly) {
  for (const char* line : {"-q a -d a t", "-d a -d b t", "-q a -q b t", "-s -s t", "-i -i t", "-i -s t", "-i -q a t"}) {
    EXPECT_EQ(refusal(line), "specify only one of -d -i -q or -s") << line;
    EXPECT_EQ(refusal(line, kPostalias), "specify only one of -d -i -q or -s") << line;
  }
}

TEST(Request, NeedsTables) {
  for (const char* line : {"", "-q a", "-s", "-d a", "-i"}) EXPECT_EQ(refusal(line), kPostmap.usage) << line;
}

TEST(Request, ReadsMessagesOnlyFromStandardInput) {
  for (const char* line : {"-b t", "-h -q a t", "-m -s t", "-h"}) {
    EXPECT_EQ(refusal(line), "specify -b -h or -m only with \"-q -\"") << line;
  }
  EXPECT_EQ(refusal("-bhm -q - t"), "accepted");
}

TEST(Request, PrintsJsonOnlyWhereItPrints) {
  EXPECT_EQ(refusal("-j -q a t"), "accepted");
  EXPECT_EQ(refusal("-j -s t"), "accepted");
  EXPECT_EQ(refusal("-j t"), "specify -j only with -q or -s");
}

TEST(Request, LetsTheLastOfOppositesWin) {
  EXPECT_TRUE(parse("-w -r t").options.replace_duplicates);
  EXPECT_FALSE(parse("-r -w t").options.replace_duplicates);
  EXPECT_TRUE(parse("-r -w t").options.ignore_duplicates);
  EXPECT_EQ(parse("-n -N t").options.nul, table::NulForm::always);
  EXPECT_EQ(parse("-N -n t").options.nul, table::NulForm::never);
}

TEST(Request, ChecksMessagesForUtf8OnlyWhenForced) {
  EXPECT_FALSE(parse("-h -q - t").options.utf8);
  EXPECT_TRUE(parse("-h -U -q - t").options.utf8);
  EXPECT_FALSE(parse("-u t").options.utf8);
}

TEST(Request, KnowsEachDialectsOptions) {
  for (const char* line : {"-b t", "-h t", "-m t", "-U t", "-F t"}) {
    EXPECT_EQ(refusal(line, kPostalias), kPostalias.usage) << line;
  }
}

TEST(Json, EscapesWhatItMust) {
  std::string json;
  append_json(json, "a\"b\\c\n\t\x01\x7f\xc3\xa9/");
  EXPECT_EQ(json, "\"a\\\"b\\\\c\\n\\t\\u0001\\u007F\xc3\xa9/\"");
  json.clear();
  append_json(json, "a\xff");
  EXPECT_EQ(json, "\"a\\u00FF\"");
}

}  // namespace postmap
