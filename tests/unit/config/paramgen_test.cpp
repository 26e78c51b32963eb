// What paramgen makes of .params files, and how it refuses them.

#include <stdlib.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <sstream>

namespace {

class Paramgen : public testing::Test {
 protected:
  void SetUp() override { ASSERT_NE(::mkdtemp(directory_.data()), nullptr); }
  void TearDown() override {
    for (const char* name : {"/x.params", "/param.h", "/table", "/manual"}) std::remove((folder() + name).c_str());
    std::remove(folder().c_str());
  }

  std::string folder() const { return directory_.data(); }

  // Standard error, with the folder left out; empty when all is well.
  std::string run(const std::string& params) {
    std::ofstream(folder() + "/x.params") << params;
    std::ostringstream command;
    command << POSTRIDER_BUILD_DIR << "/src/tools/paramgen/paramgen -D POSTRIDER_X_PATH=/x --header " << folder()
            << "/param.h --table " << folder() << "/table --manual " << folder() << "/manual " << folder()
            << "/x.params 2>&1";
    FILE* pipe = ::popen(command.str().c_str(), "r");
    std::string output;
    for (int c = std::fgetc(pipe); c != EOF; c = std::fgetc(pipe)) output += static_cast<char>(c);
    failed_ = ::pclose(pipe) != 0;
    EXPECT_EQ(failed_, !output.empty());
    for (auto at = output.find(folder()); at != std::string::npos; at = output.find(folder())) {
      output.erase(at, folder().size() + 1);
    }
    return output;
  }

  // The first entry with these lines between its name and its documentation.
  std::string run_entry(const std::string& keys) { return run("area: A\n\n[name]\n" + keys + "\nText.\n"); }

  std::string written(const std::string& name) const {
    std::stringstream content;
    content << std::ifstream(folder() + "/" + name).rdbuf();
    return content.str();
  }

  bool failed_ = false;
  std::array<char, 32> directory_{"/tmp/paramgen_test_XXXXXX"};
};

constexpr const char* kText = "type: text\ndefault: d\nrange:\nused-by: smtpd\n";

TEST_F(Paramgen, AnEntryBecomesAKeyARowAndASection) {
  EXPECT_EQ(run("area: A\n\n[2bounce]\ntype: time, h\ndefault: 4\nrange: 1s..2d\nused-by: a, b\nsince: "
                "3.8\n\nText.\n\n  example\n"),
            "");
  EXPECT_TRUE(written("param.h").contains("inline constexpr TimeKey n2bounce{0};"));
  EXPECT_TRUE(written("table").contains("1, 172800, Type::time, Kind::parameter, 'h'"));
  EXPECT_TRUE(written("manual").contains(".SH \"2bounce (default: 4)\"\n.PP\nText.\n"));
}

TEST_F(Paramgen, TheManualTellsTypeUnitAndRange) {
  auto facts = [&](const std::string& type, const std::string& value, const std::string& range) {
    EXPECT_EQ(run_entry("type: " + type + "\ndefault: " + value + "\nrange: " + range + "\nused-by: a\n"), "");
    const std::string page = written("manual");
    const auto start = page.find("\nType: ") + 1;
    return page.substr(start, page.find('\n', start) - start);
  };
  EXPECT_EQ(facts("time, d", "5d", "1s..100d"), "Type: time. A number without a unit counts days. From 1s to 100d.");
  EXPECT_EQ(facts("integer", "5", "1.."), "Type: number. At least 1.");
  EXPECT_EQ(facts("integer", "5", "..6"), "Type: number. At most 6.");
  EXPECT_EQ(facts("text", "x", "1.."), "Type: text. Not empty.");
  EXPECT_EQ(facts("boolean", "no", ""), "Type: yes or no.");
}

TEST_F(Paramgen, FamiliesHaveANamespaceOfTheirOwn) {
  EXPECT_EQ(
      run("area: A\n\n[<transport>_limit]\nkind: family\ntype: integer\ndefault: 4\nrange:\nused-by: smtp\n\nText.\n"),
      "");
  EXPECT_TRUE(written("param.h").contains("namespace family {\n\ninline constexpr IntegerKey limit{0};"));
}

TEST_F(Paramgen, BuildVariablesAreFilledIn) {
  EXPECT_EQ(run_entry("type: text\ndefault: <@POSTRIDER_X_PATH@>\nrange:\nused-by: a\n"), "");
  EXPECT_TRUE(written("table").contains("</x>"));
  EXPECT_EQ(run_entry("type: text\ndefault: @POSTRIDER_Y@\nrange:\nused-by: a\n"),
            "paramgen: x.params:5: unknown build variable @POSTRIDER_Y@\n");
}

TEST_F(Paramgen, TextIsSafeForTroffAndForCpp) {
  EXPECT_EQ(
      run("area: A\n\n[name]\ntype: text\ndefault: \\\"'-\nrange:\nused-by: a\n\n.so /etc/passwd\n'x\\fB other_name\n\n"
          "[other_name]\n" +
          std::string(kText) + "\nText.\n"),
      "");
  EXPECT_TRUE(written("table").contains("\"\\\\\\\"'-\""));
  EXPECT_TRUE(written("manual").contains("\n\\&.so /etc/passwd\n\\(aqx\\efB \\fBother_name\\fR\n"));
}

TEST_F(Paramgen, MistakesNameFileAndLine) {
  EXPECT_EQ(run("[name]\n"), "paramgen: x.params:1: the first line must be \"area: <text>\"\n");
  EXPECT_EQ(run("area: A\n\nname\n"), "paramgen: x.params:3: expected a name in brackets, like [queue_run_delay]\n");
  EXPECT_EQ(run("area: A\n\n[a b]\n" + std::string(kText) + "\nText.\n"),
            "paramgen: x.params:3: \"a b\" is not a name of letters, digits and underscores\n");
  EXPECT_EQ(run_entry(kText + std::string("colour: red\n")), "paramgen: x.params:8: unknown key \"colour\"\n");
  EXPECT_EQ(run_entry(kText + std::string("type: text\n")), "paramgen: x.params:8: a second \"type\"\n");
  EXPECT_EQ(run_entry(kText + std::string("# no\n")), "paramgen: x.params:8: expected \"key: value\"\n");
  EXPECT_EQ(run_entry("type: text\ndefault:\nused-by: a\n"), "paramgen: x.params:3: \"range\" is missing\n");
  EXPECT_TRUE(run_entry("type: word\ndefault:\nrange:\nused-by: a\n")
                  .starts_with("paramgen: x.params:4: unknown type \"word\""));
  EXPECT_EQ(run_entry(kText + std::string("since: soon\n")),
            "paramgen: x.params:8: \"soon\" is not a release like 3.8\n");
  EXPECT_EQ(run("area: A\n\n[name]\n" + std::string(kText) + "\n\n[other]\n" + kText + "\nText.\n"),
            "paramgen: x.params:3: the documentation is missing\n");
}

TEST_F(Paramgen, DefaultsMustFitTheirTypeAndRange) {
  auto entry = [&](const std::string& type, const std::string& value, const std::string& range) {
    return run_entry("type: " + type + "\ndefault: " + value + "\nrange: " + range + "\nused-by: a\n");
  };
  EXPECT_EQ(entry("boolean", "maybe", ""), "paramgen: x.params:3: the default \"maybe\" is neither yes nor no\n");
  EXPECT_EQ(entry("integer", "2147483648", ""), "paramgen: x.params:3: the default \"2147483648\" is not a number\n");
  EXPECT_EQ(entry("integer", "0", "1.."), "paramgen: x.params:3: the default \"0\" is out of range\n");
  EXPECT_EQ(entry("time, s", "5x", ""), "paramgen: x.params:3: the default \"5x\" is not a time\n");
  EXPECT_EQ(entry("time, s", "2h", "..1h"), "paramgen: x.params:3: the default \"2h\" is out of range\n");
  EXPECT_EQ(entry("text", "", "1.."), "paramgen: x.params:3: the default \"\" is out of range\n");
  EXPECT_EQ(entry("text", "$other", "1.."), "");
  EXPECT_EQ(entry("integer", "5", "9..1"), "paramgen: x.params:6: the range is reversed\n");
  EXPECT_EQ(entry("integer", "5", "9"), "paramgen: x.params:6: a range is LOW..HIGH, LOW.. or ..HIGH\n");
  EXPECT_EQ(entry("integer", "5", "a.."), "paramgen: x.params:6: \"a\" does not fit the type\n");
}

TEST_F(Paramgen, ObsoleteNamesHaveAdviceAndNoDefault) {
  EXPECT_EQ(run_entry("kind: obsolete\ntype: text\ndefault:\nrange:\nused-by:\n"),
            "paramgen: x.params:3: an obsolete name needs an advice\n");
  EXPECT_EQ(run_entry("kind: obsolete\ntype: text\ndefault: x\nrange:\nused-by:\nadvice: y\n"),
            "paramgen: x.params:3: an obsolete name has no default: a value means that someone set it\n");
}

TEST_F(Paramgen, WhatIsNotServedSaysSoInTheManualAndInTheTable) {
  EXPECT_EQ(run_entry(kText + std::string("unserved:\n")),
            "paramgen: x.params:8: \"unserved\" must say what happens instead\n");
  EXPECT_EQ(run_entry(kText + std::string("unserved: mail waits\n")), "");
  EXPECT_TRUE(written("manual").contains("Not served yet: mail waits."));
  EXPECT_TRUE(written("table").contains("\"mail waits\""));
}

TEST_F(Paramgen, ANameIsDeclaredOnce) {
  const std::string entry = "[name]\n" + std::string(kText) + "\nText.\n\n";
  EXPECT_EQ(run("area: A\n\n" + entry + entry), "paramgen: x.params:11: \"name\" is already declared in x.params:3\n");
}

TEST_F(Paramgen, MissingDocumentationStopsTheBuild) {
  EXPECT_EQ(run("area: A\n\n[name]\n" + std::string(kText)), "paramgen: x.params:3: the documentation is missing\n");
}

}  // namespace
