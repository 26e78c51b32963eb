#include "master/child.h"

#include <fmt/format.h>

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/fd.h"

namespace {

using master::Stress;

master::ServicePlan service(std::string_view line, std::size_t places = 1) {
  const auto parsed = config::parse_service_line(line);
  master::ServicePlan plan;
  plan.service = *config::interpret(*parsed, {100, false});
  for (std::size_t i = 1; i < parsed->command.size(); ++i)
    plan.words.push_back(config::unwrap(parsed->command[i]).text);
  plan.endpoints.resize(places);
  return plan;
}

std::string words(const master::ServicePlan& plan, const master::Manner& manner = {},
                  Stress stress = Stress::not_told) {
  return fmt::format("{}", fmt::join(master::child_arguments(plan, manner, stress), " "));
}

TEST(ChildArguments, AreThoseThatDropInDaemonsKnow) {
  EXPECT_EQ(words(service("cleanup unix n - n - 0 cleanup")), "cleanup -z -t unix -u");
  EXPECT_EQ(words(service("qmgr unix n - n 300 1 qmgr")), "qmgr -l -t unix -u");
  EXPECT_EQ(words(service("local unix - n n - - local")), "local -t unix");
  EXPECT_EQ(words(service("127.0.0.1:10025 inet n - n - - smtpd -o name=value")),
            "smtpd -n 127.0.0.1:10025 -t inet -u -o name=value");
}

TEST(ChildArguments, ChrootStressAndPlacesComeInThisOrder) {
  EXPECT_EQ(words(service("smtp inet n - y - 5 smtpd -v", 2), {}, Stress::yes),
            "smtpd -n smtp -t inet -u -c -o stress=yes -s 2 -v");
  EXPECT_EQ(words(service("smtp inet n - y - 5 smtpd"), {}, Stress::no), "smtpd -n smtp -t inet -u -c -o stress=");
}

TEST(ChildArguments, MastersOwnMannerIsPassedOn) {
  EXPECT_EQ(words(service("x unix - - n - - x"), {.keeps_terminal = true, .debugger = true, .verbosity = 2}),
            "x -t unix -d -D -v -v -u");
}

TEST(ChildEnvironment, GenerationIsOctalAndOldValuesAreReplaced) {
  ::setenv("GENERATION", "7", 1);
  master::Plan plan;
  plan.directory = "/etc/postfix";
  plan.syslog_name = "postfix";
  plan.hostname = "mx.example.com";
  plan.postlog_path = "/queue/public/postlog";
  const auto environment = master::child_environment(plan, 9);
  const auto has = [&](std::string_view text) { return std::ranges::count(environment, text) == 1; };
  EXPECT_TRUE(has("GENERATION=11"));
  EXPECT_FALSE(has("GENERATION=7"));
  EXPECT_TRUE(has("MAIL_CONFIG=/etc/postfix"));
  EXPECT_TRUE(has("MAIL_LOGTAG=postfix"));
  EXPECT_TRUE(has("POSTLOG_SERVICE=/queue/public/postlog"));
  EXPECT_TRUE(has("POSTLOG_HOSTNAME=mx.example.com"));
  ::unsetenv("GENERATION");
}

TEST(ChildEnvironment, TheLogPipeIsKnownToThoseWhoGetIt) {
  ::setenv("POSTRIDER_LOG_PIPE", "1", 1);
  ::setenv("POSTRIDER_LOG_READ", "2", 1);
  const master::Plan plan{};
  const auto count = [](const auto& environment, std::string_view start) {
    return std::ranges::count_if(environment, [&](const std::string& each) { return each.starts_with(start); });
  };
  const auto without = master::child_environment(plan, 1);
  EXPECT_EQ(count(without, "POSTRIDER_"), 0) << "master's caller has no say";
  const auto with = master::child_environment(plan, 1, "POSTRIDER_LOG_PIPE", 7);
  EXPECT_EQ(count(with, "POSTRIDER_LOG_PIPE=7"), 1);
  EXPECT_EQ(count(with, "POSTRIDER_"), 1);
  ::unsetenv("POSTRIDER_LOG_PIPE");
  ::unsetenv("POSTRIDER_LOG_READ");
}

TEST(StartChild, TheLogPipeStandsBeyondAllListenersEvenThoseThatAreMissing) {
  const auto plan = service("smtp inet n - n - - smtpd", 3);
  EXPECT_EQ(master::log_pipe_number(plan), 9);
  int output[2];
  ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
  const base::Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  const std::vector<std::string> shell = {"sh", "-c",
                                          "for n in 6 7 8 9; do [ -e /proc/self/fd/$n ] && echo $n; done >&9; exit 0"};
  const auto pid = master::start_child(
      "/bin/sh", shell, std::vector<std::string>{"PATH=/bin"},
      {null.get(), null.get(), null.get(), {null.get(), null.get()}, output[1], master::log_pipe_number(plan)});
  ASSERT_TRUE(pid) << pid.error().text;
  ::close(output[1]);
  ::waitpid(*pid, nullptr, 0);
  char text[64] = "";
  EXPECT_GT(::read(output[0], text, sizeof text - 1), 0);
  ::close(output[0]);
  EXPECT_STREQ(text, "6\n7\n9\n");
}

TEST(StartChild, AProgramThatCannotRunIsAnErrorHereAndNow) {
  const auto pid = master::start_child("/nonexistent/x", std::vector<std::string>{"x"}, {}, {0, 1, 2, {}});
  ASSERT_FALSE(pid);
  EXPECT_EQ(pid.error().text, "exec /nonexistent/x: No such file or directory");
  EXPECT_EQ(::waitpid(-1, nullptr, WNOHANG), -1) << "nothing is left to be reaped";
}

// The shell reads what it has at 3 to 7, in spite of where we had it, and nothing of what else we have.
TEST(StartChild, DescriptorsStandWhereTheContractSays) {
  std::vector<base::Fd> keep;
  const auto pipe_with = [&keep](std::string_view text) {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    EXPECT_EQ(::write(ends[1], text.data(), text.size()), static_cast<ssize_t>(text.size()));
    ::close(ends[1]);
    keep.emplace_back(ends[0]);
    return ends[0];
  };
  int output[2];
  ASSERT_EQ(::pipe2(output, O_CLOEXEC), 0);
  // In reverse, so that sources and targets overlap.
  const int l2 = pipe_with("e\n");
  const int l1 = pipe_with("d\n");
  const int status = pipe_with("c\n");
  const int read_end = pipe_with("a\n");
  const std::vector<std::string> shell = {"sh", "-c",
                                          "exec 1>&4; for n in 3 5 6 7; do eval \"read x <&$n\"; echo $x; done; [ -e "
                                          "/proc/self/fd/8 ] && echo more; exit 0"};
  const auto pid = master::start_child("/bin/sh", shell, std::vector<std::string>{"PATH=/bin"},
                                       {read_end, output[1], status, {l1, l2}});
  ASSERT_TRUE(pid) << pid.error().text;
  ::close(output[1]);
  std::string text;
  std::array<char, 256> chunk;
  for (ssize_t got; (got = ::read(output[0], chunk.data(), chunk.size())) > 0;) {
    text.append(chunk.data(), static_cast<std::size_t>(got));
  }
  ::close(output[0]);
  ::waitpid(*pid, nullptr, 0);
  EXPECT_EQ(text, "a\nc\nd\ne\n");
}

}  // namespace
