#include "table/open.h"

#include <algorithm>

#include "asking.h"
#include "config/table_types.h"
#include "lib/no_descriptors.h"

namespace table {
namespace {

enum Outcome { kValue, kNone, kError };

struct Case {
  std::string_view name;
  Outcome outcome;
  std::string_view text;
};

// What Postfix 3.7.11 says to the key "a".
const Case kCases[] = {
    {"nosuch:x", kError, "unsupported dictionary type: nosuch"},
    {"texthash:", kError, "open dictionary: expecting \"type:name\" form instead of \"texthash:\""},
    {"static:", kError, "open dictionary: expecting \"type:name\" form instead of \"static:\""},
    {"static:a b", kValue, "a b"},
    {"static:{a b}", kValue, "a b"},
    {"static:{a b", kError, "bad static:name syntax: missing '}' in \"{a b\""},
    {"static:{}", kValue, ""},
    {"static:{ a }", kValue, "a"},
    {"static: x", kValue, " x"},
    {"static:{a}b", kError, "bad static:name syntax: syntax error after '}' in \"{a}b\""},
    {"inline:", kError, "open dictionary: expecting \"type:name\" form instead of \"inline:\""},
    {"inline:{}", kError, "bad syntax: \"inline:{}\"; need \"inline:{name=value...}\""},
    {"inline:{a=b}", kValue, "b"},
    {"inline:{a=b c}", kError, "missing '=' after attribute name: \"inline:{a=b c}\"; need \"inline:{name=value...}\""},
    {"inline:{{a = b c}}", kValue, "b c"},
    {"inline:{a=b, c=d}", kValue, "b"},
    {"inline:{a=b", kError, "bad syntax: \"inline:{a=b\"; need \"inline:{name=value...}\""},
    {"inline:a=b", kError, "bad syntax: \"inline:a=b\"; need \"inline:{name=value...}\""},
    {"inline:{a}", kError, "missing '=' after attribute name: \"inline:{a}\"; need \"inline:{name=value...}\""},
    {"inline:{=b}", kNone, ""},
    {"inline:{a=}", kValue, ""},
    {"inline:{ {a=b}, {c = d} }", kValue, "b"},
    {"inline:{a=b}x", kError, "bad syntax: \"inline:{a=b}x\"; need \"inline:{name=value...}\""},
    {"inline:{A=b}", kValue, "b"},
    {"inline:{{a=b} c=d}", kValue, "b"},
    {"inline:{{a=b}c=d}", kError,
     "syntax error after '}' in \"{a=b}c=d\": \"inline:{{a=b}c=d}\"; need \"inline:{name=value...}\""},
    {"inline:{{a = {b}}}", kValue, "{b}"},
    {"fail:x", kError, "table fail:x: query error: Application error"},
    {"fail:", kError, "open dictionary: expecting \"type:name\" form instead of \"fail:\""},
    {"environ:x", kNone, ""},
    {"unix:passwd.byname", kNone, ""},
    {"unix:foo", kError, "unknown table: unix:foo"},
    {"internal:x", kNone, ""},
    {":x", kError, "open dictionary: expecting \"type:name\" form instead of \":x\""},
    {"unionmap:", kError, "open dictionary: expecting \"type:name\" form instead of \"unionmap:\""},
    {"unionmap:{}", kError, "bad syntax: \"unionmap:{}\"; need \"unionmap:{type:name...}\""},
    {"unionmap:x", kError, "bad syntax: \"unionmap:x\"; need \"unionmap:{type:name...}\""},
    {"proxy:static:b", kValue, "b"},
    {"proxy:", kError, "open dictionary: expecting \"type:name\" form instead of \"proxy:\""},
    {"unionmap:{proxy:static:a,static:b}", kValue, "a,b"},
    {"unionmap:{static:a}", kValue, "a"},
    {"unionmap:{static:a,static:b}", kValue, "a,b"},
    {"unionmap:{static:a static:b}", kValue, "a,b"},
    {"unionmap:{static:a", kError, "bad syntax: \"unionmap:{static:a\"; need \"unionmap:{type:name...}\""},
    {"unionmap:{static:a}x", kError, "bad syntax: \"unionmap:{static:a}x\"; need \"unionmap:{type:name...}\""},
    {"unionmap:{{static:a b}, {static:c}}", kError, "unsupported dictionary type: {static"},
    {"unionmap:{inline:{a=b}, inline:{b=c},static:{x y}}", kValue, "b,x y"},
    {"unionmap:{ static:a , fail:x }", kError, "table unionmap:{ static:a , fail:x }: query error: Application error"},
    {"unionmap:{fail:x,static:a}", kError, "table unionmap:{fail:x,static:a}: query error: Application error"},
    {"unionmap:{nosuch:x}", kError, "unsupported dictionary type: nosuch"},
    {"unionmap:{foo}", kError, "bad syntax: \"unionmap:{foo}\"; need \"unionmap:{type:name...}\""},
    {"unionmap:{inline:{b=c}}", kNone, ""},
    {"unionmap:{static:{}, static:b}", kValue, "b"},
    {"unionmap:{static:{a,b}, static:{}, static:c}", kValue, "a,b,,c"},
    {"unionmap:{static:c,static:{}}", kValue, "c,"},
    {"unionmap:{static:{},static:{}}", kNone, ""},
    {"pipemap:{static:a}", kValue, "a"},
    {"pipemap:{inline:{a=b}, inline:{b=c}}", kValue, "c"},
    {"pipemap:{inline:{a=B}, inline:{b=c}}", kValue, "c"},
    {"pipemap:{inline:{a=b}, inline:{x=c}}", kNone, ""},
    {"pipemap:{inline:{a=b}, fail:x}", kError, "table pipemap:{inline:{a=b}, fail:x}: query error: Application error"},
    {"pipemap:{}", kError, "bad syntax: \"pipemap:{}\"; need \"pipemap:{type:name...}\""},
    {"pipemap:x", kError, "bad syntax: \"pipemap:x\"; need \"pipemap:{type:name...}\""},
    {"pipemap:{inline:{a=},static:c}", kValue, "c"},
    {"pipemap:{static:c,static:{}}", kValue, ""},
    {"randmap:{a}", kValue, "a"},
    {"randmap:{{a b}}", kValue, "{a b}"},
    {"randmap:{}", kError, "bad syntax: \"randmap:{}\"; need \"randmap:{value...}\""},
    {"randmap:x", kError, "bad syntax: \"randmap:x\"; need \"randmap:{value...}\""},
    {"randmap:{a", kError, "bad syntax: \"randmap:{a\"; need \"randmap:{value...}\""},
    {"randmap:{a}b", kError, "bad syntax: \"randmap:{a}b\"; need \"randmap:{value...}\""},
    {"randmap:{ {a b}x }", kValue, "{a b}x"},
    {"randmap:{{}}", kValue, "{}"},
    {"randmap:{ , }", kError, "bad syntax: \"randmap:{ , }\"; need \"randmap:{value...}\""},
    {"unionmap:{,}", kError, "bad syntax: \"unionmap:{,}\"; need \"unionmap:{type:name...}\""},
    {"inline:{,}", kError, "empty table: \"inline:{,}\"; need \"inline:{name=value...}\""},
    {"unionmap:{pipemap:{inline:{a=b},inline:{b=c}}, randmap:{q}}", kValue, "c,q"},
    {"unionmap:{unionmap:{static:a}", kError,
     "bad syntax: \"unionmap:{unionmap:{static:a}\"; need \"unionmap:{type:name...}\""},
    {"unionmap:{inline:{b=c}, static:x, regexp:{{/a/ r}}}", kValue, "x,r"},
    {"unionmap:{{inline:{ {a = b c} }}}", kError, "unsupported dictionary type: {inline"},
    {"inline:{a =b}", kError, "missing '=' after attribute name: \"inline:{a =b}\"; need \"inline:{name=value...}\""},
    {"inline:{{ = b}}", kNone, ""},
    {"inline:{{a b=c}}", kError,
     "missing '=' after attribute name: \"inline:{{a b=c}}\"; need \"inline:{name=value...}\""},
    {"inline:{{\"a b\"=c}}", kNone, ""},
    {"inline:{{}}", kError,
     "no key found; expected format: key = value: \"inline:{{}}\"; need \"inline:{name=value...}\""},
    {"inline:{a=b,a=c}", kValue, "c"},
    {"inline:{{a=b}{a=c}}", kError,
     "syntax error after '}' in \"{a=b}{a=c}\": \"inline:{{a=b}{a=c}}\"; need \"inline:{name=value...}\""},
    {"inline:{a=b=c}", kValue, "b=c"},
    {"inline:{a={b c}}", kValue, "{b c}"},
    {"inline: {a=b}", kError, "bad syntax: \"inline: {a=b}\"; need \"inline:{name=value...}\""},
    {"inline:{a={x}y}", kValue, "{x}y"},
    {"inline:{a={x}", kError, "bad syntax: \"inline:{a={x}\"; need \"inline:{name=value...}\""},
    {"inline:{a=}}", kError, "bad syntax: \"inline:{a=}}\"; need \"inline:{name=value...}\""},
    {"inline:{A B=c}", kError, "missing '=' after attribute name: \"inline:{A B=c}\"; need \"inline:{name=value...}\""},
    {"inline:{{a=b},{", kError, "bad syntax: \"inline:{{a=b},{\"; need \"inline:{name=value...}\""},
    {"inline:{a}b=c}", kError, "bad syntax: \"inline:{a}b=c}\"; need \"inline:{name=value...}\""},
    {"inline:{A=1,a=2}", kValue, "2"},
    {"pcre:{/x/ y}", kError, "pcre map: no '{' at start of text in \"/x/\""},
    {"pcre:{{/a/ y} {/b/ z}}", kValue, "y"},
    {"pcre:{{/a/ y}, x}", kError, "pcre map: no '{' at start of text in \"x\""},
    {"pcre:{}", kNone, ""},
    {"pcre:{{}}", kNone, ""},
    {"pcre:{{/a/ y}", kError, "pcre map: missing '}' in \"{{/a/ y}\""},
    {"pcre:{{/a/ y}}x", kError, "pcre map: syntax error after '}' in \"{{/a/ y}}x\""},
    {"pcre:{{/a{1}/ y {z}}}", kValue, "y {z}"},
    {"pcre:{{/a/ x}, {# c}, { /b/ z}}", kValue, "x"},
    {"pcre:{ {/a/ x}{/b/ z} }", kError, "pcre map: syntax error after '}' in \"{/a/ x}{/b/ z}\""},
    {"pcre:{,}", kNone, ""},
    {"pcre: {{/b/ z}}", kError, "open  {{/b/ z}}: No such file or directory"},
    {"pcre:{ {/b/ z}", kError, "pcre map: missing '}' in \"{ {/b/ z}\""},
    {"pcre:{ /b/ z}", kError, "pcre map: no '{' at start of text in \"/b/\""},
    {"pcre:{{/b/ z},,{/b/ y}}", kNone, ""},
    {"unionmap:{static:a,{static:b}}", kError, "unsupported dictionary type: {static"},
    {"unionmap:{static:a, static}", kError,
     "bad syntax: \"unionmap:{static:a, static}\"; need \"unionmap:{type:name...}\""},
    {"unionmap:{static:a,:b}", kError, "open dictionary: expecting \"type:name\" form instead of \":b\""},
    {"unionmap:{static:a,static:}", kError, "open dictionary: expecting \"type:name\" form instead of \"static:\""},
};

TEST(Open, NamesMeanWhatTheyMeanToPostfix) {
  const logging::Capture silence;
  for (const Case& expected : kCases) {
    SCOPED_TRACE(expected.name);
    const std::string answer = ask(expected.name, "a");
    switch (expected.outcome) {
      case kValue:
        EXPECT_EQ(answer, expected.text);
        break;
      case kNone:
        EXPECT_EQ(answer, kNothing);
        break;
      case kError:
        EXPECT_EQ(answer, "ERROR " + std::string(expected.text));
        break;
    }
  }
}

TEST(Open, TypesThatComeLaterAreUnsupported) {
  for (const char* type : {"mysql", "ldap", "memcache", "sdbm", "nis"}) {
    EXPECT_EQ(ask(std::string(type) + ":x", "a"), "ERROR unsupported dictionary type: " + std::string(type));
    EXPECT_FALSE(is_type(type));
  }
}

// postconf prints the names from a list of its own, so that it need not link the tables.
TEST(Open, PostconfListsTheTypesThatOpenKnows) {
  EXPECT_TRUE(std::ranges::equal(types(), config::kTableTypes));
}

TEST(Open, TypesAreSortedAndKnown) {
  const auto all = types();
  EXPECT_TRUE(std::is_sorted(all.begin(), all.end()));
  for (const auto type : all) EXPECT_TRUE(is_type(type)) << type;
  EXPECT_EQ(std::count(all.begin(), all.end(), "debug"), 1);
}

TEST(Open, ANameWithoutATypeHasTheDefaultType) {
  Settings settings;
  settings.default_type = "static";
  EXPECT_EQ(ask("x", "a", settings), "x");
  const auto [type, name] = split_name("pcre:{{/a:b/ c}}", settings);
  EXPECT_EQ(type, "pcre");
  EXPECT_EQ(name, "{{/a:b/ c}}");
}

TEST(Open, TablesWithinTablesHaveABottom) {
  std::string name = "static:x";
  for (int i = 0; i < 10; ++i) name = "unionmap:{" + name + "}";
  EXPECT_EQ(ask(name, "a"), "x");
  for (int i = 0; i < 10; ++i) name = "unionmap:{" + name + "}";
  EXPECT_EQ(ask(name, "a"), "ERROR unionmap: more than 16 tables within tables");
}

TEST(Open, MostTypesCanOnlyBeRead) {
  const Options writing{.access = Access::read_write};
  for (const char* name :
       {"inline:{a=b}", "texthash:t", "unix:passwd.byname", "unionmap:{static:x}", "pipemap:{static:x}", "randmap:{x}",
        "tcp:127.0.0.1:1", "socketmap:inet:127.0.0.1:1:x", "regexp:{}", "pcre:{}", "cidr:{}"}) {
    EXPECT_EQ(ask(name, "a", {}, writing), "ERROR " + std::string(name) + " map requires O_RDONLY access mode");
  }
}

TEST(Open, WhatATypeCannotDoItSays) {
  for (const char* name : {"static:x", "environ:x"}) {
    auto table = *open(name, without_utf8());
    EXPECT_EQ(table->remove("a").error().text, "table " + std::string(name) + ": delete operation is not supported");
    EXPECT_EQ(table->for_each([](const Entry&) { return true; }).error().text,
              "table " + std::string(name) + ": sequence operation is not supported");
  }
  EXPECT_EQ((*open("fail:x", {}))->remove("a").error().text, "table fail:x: delete error: Application error");
}

TEST(Open, AKeyThatIsNotUtf8IsWarnedOfAndNotFound) {
  const logging::Capture capture;
  EXPECT_EQ(ask("static:x", "\xff", Settings{}), kNothing);
  ASSERT_EQ(capture.events().size(), 1U);
  EXPECT_TRUE(capture.events()[0].text.starts_with("static:x: non-UTF-8 key \"")) << capture.events()[0].text;
  EXPECT_TRUE(capture.events()[0].text.ends_with("\": malformed UTF-8 or invalid codepoint"));
  EXPECT_EQ(ask("static:x", "\xff", without_utf8()), "x");
}

TEST(Open, AValueThatIsNotUtf8IsAnError) {
  const logging::Capture capture;
  EXPECT_EQ(ask("pcre:{{/a/ \xff}}", "a", Settings{}), "ERROR table pcre:{{/a/ \xff}}: query error");
  EXPECT_EQ(ask("pcre:{{/a/ \xff}}", "a", without_utf8()), "\xff");
  EXPECT_TRUE(ask("inline:{a=\xff}", "a", Settings{}).starts_with("ERROR bad UTF-8 syntax: "));
}

TEST(Open, UnixTablesAnswerInTheFormOfPasswdAndGroup) {
  EXPECT_TRUE(ask("unix:passwd.byname", "root").starts_with("root:x:0:0:")) << ask("unix:passwd.byname", "root");
  EXPECT_EQ(ask("unix:passwd.byname", "ROOT"), ask("unix:passwd.byname", "root"));
  EXPECT_EQ(ask("unix:passwd.byname", "ROOT", {}, {.folding = Folding::none}), kNothing);
  EXPECT_TRUE(ask("unix:group.byname", "daemon").starts_with("daemon:x:1:"));
  for (const char* key : {"0", "no such user", "root:x", ""}) EXPECT_EQ(ask("unix:passwd.byname", key), kNothing);
}

TEST(Open, NobodyIsUnknownToUnixTablesWhileNothingCanBeOpened) {
  NEEDS_NO_DESCRIPTORS();
  auto users = *open("unix:passwd.byname", without_utf8());
  auto groups = *open("unix:group.byname", without_utf8());
  EXPECT_EQ(*users->lookup("no-such-user-here"), std::nullopt);  // loads all sources that there are
  EXPECT_EQ(*groups->lookup("no-such-group-here"), std::nullopt);
  const NoDescriptors none;
  EXPECT_FALSE(users->lookup("daemon"));
  EXPECT_FALSE(groups->lookup("daemon"));
}

TEST(Open, EnvironAnswersFromTheEnvironment) {
  ::setenv("TABLE_test", "value", 1);
  EXPECT_EQ(ask("environ:x", "TABLE_test"), "value");
  EXPECT_EQ(ask("environ:x", "table_test"), kNothing);
  EXPECT_EQ(ask("environ:x", "TABLE_test=value"), kNothing);
}

TEST(Open, RandmapGivesEachOfItsValues) {
  const auto table = *open("randmap:{a, b, {c d}}", without_utf8());
  std::map<std::string, int> seen;
  for (int i = 0; i < 600; ++i) ++seen[told(table->lookup("x"))];
  EXPECT_EQ(seen.size(), 3U);
  for (const auto& [value, times] : seen) EXPECT_GT(times, 100) << value;
}

TEST(Open, InternalTablesKeepWhatIsWritten) {
  const logging::Capture capture;
  auto table = *open("internal:x", without_utf8(), {.access = Access::read_write});
  EXPECT_TRUE(table->update("Key", "1"));
  EXPECT_TRUE(table->update("key", "2"));
  EXPECT_EQ(told(table->lookup("KEY")), "1");
  EXPECT_TRUE(capture.contains("internal:x: duplicate entry: \"key\""));
  EXPECT_TRUE(*table->remove("key"));
  EXPECT_FALSE(*table->remove("key"));
  auto replacing = *open("internal:x", without_utf8(), {.access = Access::read_write, .replace_duplicates = true});
  EXPECT_TRUE(replacing->update("key", "1") && replacing->update("key", "2"));
  EXPECT_EQ(told(replacing->lookup("key")), "2");
}

TEST(Open, ACompositeAsksForWhatItsPartsWant) {
  EXPECT_EQ((*open("unionmap:{static:x,inline:{a=b}}", {}))->key_form(), KeyForm::fixed);
  EXPECT_EQ((*open("unionmap:{static:x,cidr:{}}", {}))->key_form(), KeyForm::pattern);
  EXPECT_EQ((*open("pipemap:{unionmap:{regexp:{}}}", {}))->key_form(), KeyForm::pattern);
  EXPECT_EQ((*open("debug:pcre:{}", {}))->key_form(), KeyForm::pattern);
  for (const char* name : {"regexp:{}", "pcre:{}", "cidr:{}", "tcp:127.0.0.1:1", "socketmap:inet:127.0.0.1:1:x"}) {
    EXPECT_EQ((*open(name, {}))->key_form(), KeyForm::pattern) << name;
  }
}

TEST(Open, DebugTellsOfEachAccess) {
  const logging::Capture capture;
  auto table = *open("debug:internal:x", without_utf8(), {.access = Access::read_write});
  EXPECT_TRUE(table->update("k", "v"));
  EXPECT_EQ(told(table->lookup("k")), "v");
  EXPECT_EQ(told(table->lookup("no")), kNothing);
  EXPECT_TRUE(*table->remove("k"));
  EXPECT_EQ(warnings(capture, ""),
            "internal:x update: \"k\" = \"v\"|internal:x lookup: \"k\" = \"v\"|internal:x lookup: \"no\" = not_found|"
            "internal:x delete: \"k\" = success");
  EXPECT_EQ(ask("debug:x", "a"), "ERROR bad syntax: \"debug:x\"; need \"debug:type:name\"");
}

}  // namespace
}  // namespace table
