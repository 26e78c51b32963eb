#include "sendmail/request.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "logging/log.h"
#include "queue/message.h"

namespace sendmail {
namespace {

Request understood(std::vector<std::string> words, std::string_view name = "sendmail") {
  std::vector<char*> pointers;
  for (std::string& word : words) pointers.push_back(word.data());
  return understand(name, pointers);
}

std::string refusal(std::vector<std::string> words, std::string_view name = "sendmail") {
  try {
    understood(std::move(words), name);
  } catch (const base::Fatal& problem) {
    return problem.what();
  }
  return "accepted";
}

TEST(SendmailRequest, IsMailUnlessSaidOtherwise) {
  EXPECT_EQ(understood({"r"}).mode, Mode::submit);
  EXPECT_EQ(understood({}, "mailq").mode, Mode::list_queue);
  EXPECT_EQ(understood({}, "newaliases").mode, Mode::new_aliases);
  EXPECT_EQ(understood({}, "smtpd").mode, Mode::start);
  EXPECT_EQ(understood({"-bm", "r"}, "mailq").mode, Mode::submit);
  EXPECT_EQ(understood({"-bs"}).mode, Mode::dialogue);
  EXPECT_EQ(understood({"-bd"}).mode, Mode::start);
  // As scripts start a mail system at boot.
  EXPECT_EQ(understood({"-bd", "-q30m"}).mode, Mode::start);
  EXPECT_EQ(understood({"-q30m", "-bd"}).mode, Mode::start);
  EXPECT_EQ(understood({"-bd", "-q"}).mode, Mode::start);
  EXPECT_EQ(understood({"-q", "-bd"}).mode, Mode::start);
  EXPECT_EQ(understood({"-L", "sm-mta", "-bl", "-q1h", "-om"}).mode, Mode::start);
  EXPECT_EQ(understood({"-I"}).mode, Mode::new_aliases);
  EXPECT_EQ(understood({"-bh", "r"}).mode, Mode::nothing);
  EXPECT_EQ(understood({"-bvx", "r"}).mode, Mode::verify);
}

TEST(SendmailRequest, NamesComeFromTheLastPartOfThePath) {
  EXPECT_EQ(program_name("/usr/bin/mailq"), "mailq");
  EXPECT_EQ(program_name("foo"), "foo");
  EXPECT_EQ(program_name(""), "sendmail");
}

TEST(SendmailRequest, LongOptionsAskForTlsAndUtf8) {
  EXPECT_TRUE(understood({"-O", "requiretls=yes", "r"}).requires_tls);
  EXPECT_TRUE(understood({"-OSMTPUTF8=Yes", "r"}).requests_utf8);
  EXPECT_FALSE(understood({"-Orequiretls=yes", "-Orequiretls=no", "r"}).requires_tls);
  EXPECT_FALSE(understood({"-OQueueDirectory=/x", "r"}).requests_utf8);
  EXPECT_EQ(refusal({"-O", "requiretls=maybe"}),
            "bad value of option -O requiretls: \"maybe\" -- specify \"yes\" or \"no\"");
  EXPECT_FALSE(understood({"-O", "smtputf8", "r"}).requests_utf8);  // Sendmail options without a value mean nothing
}

TEST(SendmailRequest, FlushesTheQueue) {
  EXPECT_EQ(understood({"-q"}).mode, Mode::flush_queue);
  EXPECT_EQ(understood({"-qRsite"}).flush_site, "site");
  EXPECT_EQ(understood({"-qIABC"}).mode, Mode::flush_id);
  EXPECT_EQ(understood({"-q30m"}).mode, Mode::nothing);
  EXPECT_EQ(refusal({"-qSx"}), "-qS is not implemented");
  EXPECT_EQ(refusal({"-qR"}), "specify: -qRsitename");
  EXPECT_EQ(refusal({"-qI"}), "specify: -qIqueueid");
  EXPECT_EQ(refusal({"-q", "r"}), "flush queue mode requires no recipient");
}

TEST(SendmailRequest, TakesASenderEvenOneThatLooksLikeAnOption) {
  EXPECT_EQ(understood({"-f", "-q", "r"}).sender, "-q");
  EXPECT_EQ(understood({"-f", "-V", "ab"}).recipients, std::vector<std::string>{"ab"});
  EXPECT_EQ(understood({"-fx", "-r", "y", "r"}).sender, "y");
  EXPECT_EQ(understood({"r"}).sender, std::nullopt);
}

TEST(SendmailRequest, StopsAtTheFirstRecipient) {
  EXPECT_EQ(understood({"r", "-f", "x"}).recipients, (std::vector<std::string>{"r", "-f", "x"}));
  EXPECT_EQ(understood({"--", "-r"}).recipients, std::vector<std::string>{"-r"});
}

TEST(SendmailRequest, KnowsTheOldFormsOfVerp) {
  logging::Capture log;
  EXPECT_EQ(understood({"-V+=", "r"}).verp_delimiters, "+=");
  EXPECT_TRUE(log.contains("option -V+= is deprecated with Postfix 2.3; specify -XV+= instead"));
  const Request bare = understood({"-V", "ab", "r"});
  EXPECT_TRUE(bare.wants_verp);
  EXPECT_EQ(bare.recipients, (std::vector<std::string>{"ab", "r"}));
  EXPECT_EQ(understood({"-iV", "ab", "r"}).envelope_id, "ab");
  EXPECT_EQ(understood({"-XV", "r"}).verp_delimiters, "");
  EXPECT_EQ(refusal({"-X", "/log", "r"}), "unsupported: -X/");
}

TEST(SendmailRequest, TakesDsnOptions) {
  logging::Capture log;
  EXPECT_EQ(understood({"-N", "success,failure,delay"}).notify_flags, 14);
  EXPECT_EQ(understood({"-N", "NEVER"}).notify_flags, queue::notify::kNever);
  EXPECT_EQ(understood({"-R", "hdrs"}).return_flags, queue::dsn_return::kHeaders);
  EXPECT_EQ(understood({"-V", "x y z"}).envelope_id, "x y z");
  EXPECT_TRUE(log.events().empty());
}

TEST(SendmailRequest, PassesOverBadDsnOptions) {
  logging::Capture log;
  EXPECT_EQ(understood({"-N", "success,never"}).notify_flags, 0);
  EXPECT_EQ(understood({"-N", "bogus"}).notify_flags, 0);
  EXPECT_TRUE(log.contains("unknown DSN NOTIFY command value \"bogus\" in \"bogus\""));
  EXPECT_EQ(understood({"-R", "x"}).return_flags, 0);
  EXPECT_EQ(understood({"-V", "a\x01z"}).envelope_id, "");
  EXPECT_EQ(understood({"-V", std::string(101, 'a')}).envelope_id, "");
  EXPECT_TRUE(log.contains("too long -V option value -- ignored"));
}

TEST(SendmailRequest, RefusesWhatItCannotDo) {
  EXPECT_EQ(refusal({"-bz"}), "unsupported: -bz");
  EXPECT_EQ(refusal({"-n", "r"}), "-n option not supported");
  EXPECT_EQ(refusal({"-B", "8bitmime", "r"}), "-B option needs 8BITMIME or 7BIT");
  EXPECT_EQ(refusal({"-oA"}), "-oA requires pathname");
  EXPECT_EQ(refusal({"-Z"}), "usage: sendmail [options]");
  EXPECT_EQ(refusal({"-f"}), "usage: sendmail [options]");
  EXPECT_EQ(refusal({"-bi", "x"}, "newaliases"), "alias initialization mode requires no recipient");
}

TEST(SendmailRequest, AProbeTakesNoOtherWishes) {
  EXPECT_EQ(refusal({"-bv", "-t", "r"}), "-t option cannot be used with -bv");
  EXPECT_EQ(refusal({"-bv", "-N", "never", "r"}), "-N option cannot be used with -bv");
  EXPECT_EQ(refusal({"-bv", "-R", "full", "r"}), "-R option cannot be used with -bv");
  EXPECT_EQ(refusal({"-bv", "-v", "r"}), "-v option cannot be used with -bv");
}

TEST(SendmailRequest, OneVIsForAReportMoreAreForTheLog) {
  EXPECT_TRUE(understood({"-v", "r"}).wants_report);
  EXPECT_EQ(understood({"-v", "r"}).verbosity, 0);
  EXPECT_EQ(understood({"-v", "-v", "r"}).verbosity, 1);
  EXPECT_FALSE(understood({"-v", "-v", "r"}).wants_report);  // verbose logging instead
  EXPECT_FALSE(understood({"-vvv", "r"}).wants_report);
  EXPECT_EQ(understood({"-v"}, "mailq").verbosity, 1);
}

TEST(SendmailRequest, IgnoresWhatOthersSay) {
  const Request request = understood({"-Am", "-L", "x", "-U", "-c", "-em", "-h", "3", "-m", "-p", "x", "-x", "-O",
                                      "a=b", "-om", "-o7", "-odi", "-oi", "r"});
  EXPECT_EQ(request.recipients, std::vector<std::string>{"r"});
  EXPECT_FALSE(request.dot_ends_input);
}

TEST(SendmailRequest, TakesAConfigurationFileForItsDirectory) {
  EXPECT_EQ(understood({"-C", "/x/main.cf", "r"}).config_directory, "/x");
  EXPECT_EQ(understood({"-C", "/x", "r"}).config_directory, "/x");
  EXPECT_EQ(understood({"-C", "main.cf", "r"}).config_directory, ".");
  EXPECT_EQ(understood({"-C", "/main.cf", "r"}).config_directory, "/");
}

}  // namespace
}  // namespace sendmail
