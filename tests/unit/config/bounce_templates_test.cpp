#include "config/bounce_templates.h"

#include <fmt/format.h>

namespace config {
namespace {

using Lines = std::vector<std::string>;

BounceTemplates parse(std::string_view text) {
  return parse_bounce_templates(text, "b.cf").value();
}
std::string error_of(std::string_view text) {
  const auto parsed = parse_bounce_templates(text, "b.cf");
  return parsed ? "no error" : parsed.error().text;
}
const Lines& failure_text(const BounceTemplates& templates) {
  return templates[BounceKind::failure].text;
}

BounceValues values() {
  return {std::chrono::hours(2), std::chrono::hours(24 * 5), [](std::string_view name) -> std::optional<std::string> {
            if (name == "myhostname") return "host.example.com";
            if (name == "dollars") return "$myhostname";
            return std::nullopt;
          }};
}

std::string expand_line(const std::string& line, std::vector<Remark>* remarks = nullptr) {
  BounceTemplate chosen = builtin_bounce_templates()[BounceKind::failure];
  chosen.text = {line};
  std::vector<Remark> ignored;
  const auto lines = expand_bounce_text(chosen, values(), remarks != nullptr ? *remarks : ignored);
  return lines ? lines->front() : "error: " + lines.error().text;
}

TEST(BounceTemplates, BuiltInOnesAreThereForEachKind) {
  const auto templates = builtin_bounce_templates();
  for (const BounceKind kind : kBounceKinds) {
    EXPECT_EQ(templates[kind].kind, kind);
    EXPECT_EQ(templates[kind].from, "Mail Delivery System <MAILER-DAEMON>");
    EXPECT_FALSE(templates[kind].text.empty());
  }
  EXPECT_EQ(templates[BounceKind::failure].subject, "Undelivered Mail Returned to Sender");
}

TEST(BounceTemplates, EveryBuiltInTextExpands) {
  const auto templates = builtin_bounce_templates();
  for (const BounceKind kind : kBounceKinds) {
    std::vector<Remark> remarks;
    EXPECT_TRUE(expand_bounce_text(templates[kind], values(), remarks));
    EXPECT_TRUE(remarks.empty());
  }
}

TEST(BounceTemplates, AFileReplacesTheOnesThatItHas) {
  const auto templates = parse("failure_template = <<EOF\nCharset: utf-8\nSUBJECT: Sorry\n\nline\n\nEOF\n");
  EXPECT_EQ(templates[BounceKind::failure].charset, "utf-8");
  EXPECT_EQ(templates[BounceKind::failure].subject, "Sorry");
  EXPECT_EQ(templates[BounceKind::failure].postmaster_subject, "Postmaster Copy: Undelivered Mail");
  EXPECT_EQ(failure_text(templates), (Lines{"line", ""}));
  EXPECT_EQ(templates[BounceKind::delay].origin, "[built-in]");
}

TEST(BounceTemplates, HeadersAreOptional) {
  EXPECT_EQ(failure_text(parse("failure_template = <<EOF\njust text\nEOF\n")), Lines{"just text"});
}

TEST(BounceTemplates, TheLastOfSeveralCounts) {
  EXPECT_EQ(
      failure_text(parse("failure_template = <<A\none\nA\n# c\n\nfailure_template=<< two words\ntwo\ntwo words\n")),
      Lines{"two"});
}

TEST(BounceTemplates, TheEndMarkerHasALineForItself) {
  EXPECT_EQ(failure_text(parse("failure_template = << EOF \na\n EOF\nEOF \nEOF\n")), (Lines{"a", " EOF", "EOF "}));
  EXPECT_EQ(failure_text(parse("failure_template = <<EOF\r\na\nEOF\r\n")), Lines{"a"});
}

TEST(BounceTemplates, MistakesKeepTheBuiltInOneAndAreTold) {
  for (const char* body :
       {"X-Other: y\n\nz", "Subject:\n\nz", "Subject: \xc3\xa9\n\nz", "Subject: s", "Subject: s\n\n", "\xc3\xa9"}) {
    const auto templates = parse(fmt::format("failure_template = <<EOF\n{}\nEOF\n", body));
    EXPECT_EQ(templates[BounceKind::failure].origin, "[built-in]") << body;
    EXPECT_EQ(templates.remarks.size(), 1U) << body;
  }
  EXPECT_EQ(parse("success_template = <<EOF\nPostmaster-Subject: s\n\nz\nEOF\n").remarks.at(0).text,
            "inapplicable \"Postmaster-Subject\" header label in success template -- ignoring this template");
  EXPECT_EQ(parse("foo_template = <<EOF\nz\nEOF\n").remarks.at(0).text,
            "unknown template name: foo_template -- ignored");
  EXPECT_EQ(parse("failure_template = <<EOF\nz\n").remarks.at(0).text, "missing \"EOF\" end marker");
}

TEST(BounceTemplates, ErrorsNameFileAndLine) {
  EXPECT_EQ(error_of("\nfailure_template\n"), "b.cf, line 2: missing '=' after attribute name: \"failure_template\"");
  EXPECT_EQ(error_of("failure_template = <<\n"), "b.cf, line 1: missing end marker after <<");
  EXPECT_FALSE(read_bounce_templates("/nonexistent/b.cf"));
}

TEST(BounceTemplates, NamesAreReplacedAndDollarsInValuesAreText) {
  EXPECT_EQ(expand_line("at $myhostname, $$5"), "at host.example.com, $5");
  EXPECT_EQ(expand_line("[$dollars]"), "[$myhostname]");
  EXPECT_EQ(expand_line("${nosuch?a}${nosuch:b}"), "b");
}

TEST(BounceTemplates, AnUndefinedNameIsAnError) {
  EXPECT_EQ(expand_line("at $nosuch"), "error: [built-in]: undefined $name in failure template: at $nosuch");
  EXPECT_EQ(expand_line("${ nosuch }"), "error: [built-in]: undefined $name in failure template: ${ nosuch }");
}

TEST(BounceTemplates, TimesAreWholeNumbersOfTheirUnit) {
  EXPECT_EQ(expand_line("$delay_warning_time_hours $maximal_queue_lifetime_days"), "2 5");
  EXPECT_EQ(expand_line("$delay_warning_time_years"),
            "error: [built-in]: unrecognized suffix \"years\" in parameter \"delay_warning_time_years\"");
}

TEST(BounceTemplates, NumbersThatSayLittleAreTold) {
  std::vector<Remark> remarks;
  EXPECT_EQ(expand_line("$delay_warning_time_days $maximal_queue_lifetime_minutes", &remarks), "0 7200");
  ASSERT_EQ(remarks.size(), 2U);
  EXPECT_EQ(remarks[0].text, "$delay_warning_time_days is zero in the failure template; use a smaller unit than days");
  EXPECT_EQ(remarks[1].text,
            "$maximal_queue_lifetime_minutes is 7200 in the failure template; use a larger unit than minutes");
}

TEST(BounceTemplates, DomainsAreShownInTheirOwnLetters) {
  EXPECT_EQ(readable_domain("mail.xn--bcher-kva.example"),
            "mail.b\xc3\xbc"
            "cher.example");
  EXPECT_EQ(readable_domain("host.example.com"), "host.example.com");
}

}  // namespace
}  // namespace config
