#include "config/master_cf.h"

namespace config {
namespace {

constexpr ServiceDefaults kDefaults{100, false};

ServiceLine line(std::string_view text) {
  auto parsed = parse_service_line(text);
  EXPECT_TRUE(parsed) << parsed.error().text;
  return parsed.value_or(ServiceLine{});
}

std::string error_of(std::string_view text) {
  const auto parsed = parse_master_cf(text, "master.cf");
  return parsed ? "no error" : parsed.error().text;
}

std::string interpret_error(std::string_view text) {
  const auto service = interpret(parse_master_cf(text, "master.cf")->lines.at(0), kDefaults);
  return service ? "no error" : service.error().text;
}

Service service(std::string_view text) {
  return interpret(line(text), kDefaults).value();
}

std::vector<std::string> options(std::string_view text) {
  std::vector<std::string> shown;
  for (const auto& option : arguments_of(line(text)).options)
    shown.push_back((option.is_override ? "-o " : "") + option.text);
  return shown;
}

using Words = std::vector<std::string>;

TEST(MasterCf, HasEightFields) {
  const ServiceLine smtp = line("smtp inet n - y 60? 7 smtpd -v -o a=b");
  EXPECT_EQ(smtp.name, "smtp");
  EXPECT_EQ(smtp.type, "inet");
  EXPECT_EQ(smtp.private_field, "n");
  EXPECT_EQ(smtp.unprivileged, "-");
  EXPECT_EQ(smtp.chroot, "y");
  EXPECT_EQ(smtp.wakeup, "60?");
  EXPECT_EQ(smtp.process_limit, "7");
  EXPECT_EQ(smtp.command, (Words{"smtpd", "-v", "-o", "a=b"}));
}

TEST(MasterCf, ContinuationLinesBelongToTheEntryAndCommentsInItDoNot) {
  const auto file =
      parse_master_cf("# c\n\na unix - - - - - x\n  -v\n # c\n\n  -o a=b\nb unix - - - - - y", "master.cf");
  ASSERT_EQ(file->lines.size(), 2U);
  EXPECT_EQ(file->lines[0].command, (Words{"x", "-v", "-o", "a=b"}));
  EXPECT_EQ(file->lines[0].where.line, 3);
  EXPECT_EQ(file->lines[1].where.line, 8);
}

TEST(MasterCf, AContinuationWithNothingBeforeItIsLeftOutAndTold) {
  const auto file = parse_master_cf(" a unix - - - - - x\nb unix - - - - - y\n", "master.cf");
  ASSERT_EQ(file->lines.size(), 1U);
  ASSERT_EQ(file->remarks.size(), 1U);
  EXPECT_EQ(file->remarks[0].where.text(), "master.cf, line 1");
}

TEST(MasterCf, ErrorsNameFileAndLine) {
  EXPECT_EQ(error_of("a unix - - - - - x\nb unix - -\n"), "master.cf, line 2: bad field count: \"b unix - -\"");
  EXPECT_EQ(error_of("\na UNIX - - - - - x"),
            "master.cf, line 2: invalid type field \"UNIX\"; specify inet, unix, unix-dgram, fifo or pass");
  EXPECT_EQ(error_of("a unix Y - - - - x"), "master.cf, line 1: invalid private field \"Y\"; specify y, n or -");
  EXPECT_EQ(
      error_of("a unix - - - 1?? - x"),
      "master.cf, line 1: invalid wakeup field \"1??\"; specify a number of seconds, a number with ? after it, or -");
  EXPECT_EQ(error_of("a unix - - - - -1 x"),
            "master.cf, line 1: invalid process_limit field \"-1\"; specify a number or -");
}

TEST(MasterCf, AMissingFileIsAnErrorOnlyWhenItMustBeThere) {
  EXPECT_FALSE(read_master_cf("/nonexistent/master.cf"));
  EXPECT_TRUE(read_master_cf("/nonexistent/master.cf", false)->lines.empty());
}

TEST(MasterCf, TheLastOfSeveralEntriesCountsAtThePlaceOfTheFirst) {
  const auto file =
      parse_master_cf("a unix - - - - - x\nb unix - - - - - y\na unix - - - - - z\na inet n - - - - w\n", "m");
  EXPECT_EQ(file->lines.size(), 4U);
  std::vector<Remark> remarks;
  const auto lines = effective_lines(*file, remarks);
  ASSERT_EQ(lines.size(), 3U);
  EXPECT_EQ(lines[0]->command, Words{"z"});
  ASSERT_EQ(remarks.size(), 1U);
  EXPECT_EQ(remarks[0].text, "duplicate entry for service a/unix; it replaces the one at line 1");
}

TEST(MasterCf, BracesKeepBlanksInAWord) {
  EXPECT_EQ(line("a unix - - - - - x {b c} d{e f}g { {h i} j }").command,
            (Words{"x", "{b c}", "d{e f}g", "{ {h i} j }"}));
}

TEST(MasterCf, ADaemonGetsAGroupWithoutItsBracesAndOuterBlanks) {
  EXPECT_EQ(unwrap("{ two  words }").text, "two  words");
  EXPECT_EQ(unwrap("{}").text, "");
  EXPECT_EQ(unwrap("{ {x} }").text, "{x}");
  EXPECT_EQ(unwrap("a{b}").text, "a{b}");
}

TEST(MasterCf, BracesThatDoNotPairAreTold) {
  EXPECT_EQ(unwrap("{a").problem, "missing '}' in \"{a\"");
  EXPECT_EQ(unwrap("{a}b").problem, "syntax error after '}' in \"{a}b\"");
  EXPECT_EQ(unwrap("{a}b").text, "a");
}

TEST(MasterCf, WrapIsTheReverseOfUnwrap) {
  for (const char* text : {"", "a", "a b", "{a}", "{a b} c", "a{b}", "x=y z"}) EXPECT_EQ(unwrap(wrap(text)).text, text);
  EXPECT_EQ(wrap("a=b"), "a=b");
}

TEST(MasterCf, OptionsEndAtTheFirstWordThatIsNone) {
  const auto taken = arguments_of(line("a unix - - - - - x -v -o a=b c -o d=e"));
  EXPECT_EQ(taken.options.size(), 2U);
  EXPECT_EQ(taken.others, (Words{"c", "-o", "d=e"}));
}

TEST(MasterCf, OverridesMayBeWrittenInManyWays) {
  EXPECT_EQ(options("a unix - - - - - x -o a=b -oc=d -vo e=f -o { g = h  i } -o {j=k}"),
            (Words{"-o a=b", "-o c=d", "-v", "-o e=f", "-o g=h  i", "-o j=k"}));
}

TEST(MasterCf, AnOverrideWithoutAValueIsTold) {
  EXPECT_EQ(arguments_of(line("a unix - - - - - x -o a")).problems, Words{"missing '=' after attribute name: \"a\""});
  EXPECT_EQ(arguments_of(line("a unix - - - - - x -o")).problems, Words{"option -o without name=value"});
}

TEST(MasterCf, DashesStandForTheDefaults) {
  const Service made = interpret(line("a unix - - - - - x"), {50, true}).value();
  EXPECT_TRUE(made.is_private);
  EXPECT_TRUE(made.unprivileged);
  EXPECT_TRUE(made.chroot);
  EXPECT_EQ(made.wakeup, 0);
  EXPECT_EQ(made.process_limit, 50);
}

TEST(MasterCf, AWakeupMayWaitForTheFirstUse) {
  EXPECT_EQ(service("a unix - - n 1000? 0 x").wakeup, 1000);
  EXPECT_TRUE(service("a unix - - n 1000? 0 x").wakeup_only_if_used);
  EXPECT_FALSE(service("a unix - - n 1000 0 x").wakeup_only_if_used);
}

TEST(MasterCf, TheCommandIsTakenApart) {
  const Service made = service("a unix - n n - - pipe -v -o { b = c d } flags=R { two words } {}");
  EXPECT_EQ(made.program, "pipe");
  EXPECT_EQ(made.arguments, (Words{"-v", "flags=R", "two words", ""}));
  ASSERT_EQ(made.overrides.size(), 1U);
  EXPECT_EQ(made.overrides[0].name, "b");
  EXPECT_EQ(made.overrides[0].value, "c d");
}

TEST(MasterCf, AnInetServiceCannotBePrivate) {
  EXPECT_EQ(interpret_error("25 inet - - n - - smtpd"),
            "master.cf, line 1: invalid private field \"-\"; a service of type inet cannot be private: specify n");
}

TEST(MasterCf, NumbersHaveBounds) {
  EXPECT_EQ(interpret_error("\na unix - - n 99999999999 - x"),
            "master.cf, line 2: invalid wakeup field \"99999999999\"; specify a number up to 2147483647");
  EXPECT_EQ(interpret_error("a unix - - n - 2147483648 x"),
            "master.cf, line 1: invalid process_limit field \"2147483648\"; specify a number up to 2147483647");
}

TEST(MasterCf, MasterRefusesArgumentsThatAreMalformed) {
  EXPECT_EQ(interpret_error("a unix - - n - - x {a"), "master.cf, line 1: x: missing '}' in \"{a\"");
}

TEST(MasterCf, ThereIsAnEndToHowManyServicesAFileMayHave) {
  std::string text;
  for (int i = 0; i <= 10'000; ++i) text += "a unix - - - - - x\n";
  EXPECT_EQ(error_of(text), "master.cf, line 10001: more than 10000 services");
}

TEST(MasterCf, TypesHaveNames) {
  for (const char* name : {"inet", "unix", "unix-dgram", "fifo", "pass"}) EXPECT_EQ(name_of(*service_type(name)), name);
  EXPECT_FALSE(service_type("tcp"));
}

}  // namespace
}  // namespace config
