#include "command/command.h"

#include <csignal>

#include "base/error.h"
#include "child.h"
#include "logging/log.h"

namespace {

using command::CommandLine;
using test::Ended;
using test::in_child;

struct Words {
  explicit Words(std::vector<std::string> all) : text(std::move(all)) {
    for (std::string& word : text) pointers.push_back(word.data());
  }
  std::vector<std::string> text;
  std::vector<char*> pointers;
};

CommandLine parsed(std::vector<std::string> words, std::string_view letters) {
  Words all(std::move(words));
  return command::parse(all.pointers, letters, "usage: x");
}

std::string letters_of(const CommandLine& line) {
  std::string letters;
  for (const auto& option : line.options) letters += option.letter + option.argument + ";";
  return letters;
}

Ended run(
    const std::function<int(std::span<char*>)>& body, const std::function<void()>& before = [] {},
    std::vector<std::string> words = {}) {
  words.insert(words.begin(), "/some/where/postmap");
  Words all(std::move(words));
  all.pointers.push_back(nullptr);
  return in_child(
      [&] { return command::run(static_cast<int>(all.text.size()), all.pointers.data(), {"postmap", 1}, body); },
      before);
}

TEST(CommandLine, TakesLettersInOrderAndArgumentsInEitherForm) {
  const auto line = parsed({"-ab", "-cone", "-c", "two", "file"}, "abc:");
  EXPECT_EQ(letters_of(line), "a;b;cone;ctwo;");
  EXPECT_EQ(line.operands, std::vector<std::string>{"file"});
}

TEST(CommandLine, BundlesAnOptionWithArgumentBehindOthers) {
  EXPECT_EQ(letters_of(parsed({"-abcx"}, "abc:")), "a;b;cx;");
}

TEST(CommandLine, EndsOptionsAtTheFirstOperand) {
  const auto line = parsed({"-a", "x", "-b"}, "ab");
  EXPECT_EQ(letters_of(line), "a;");
  EXPECT_EQ(line.operands, (std::vector<std::string>{"x", "-b"}));
}

TEST(CommandLine, EndsOptionsAtTwoDashes) {
  const auto line = parsed({"-a", "--", "-b"}, "ab");
  EXPECT_EQ(letters_of(line), "a;");
  EXPECT_EQ(line.operands, std::vector<std::string>{"-b"});
}

TEST(CommandLine, TakesASingleDashForAnOperand) {
  EXPECT_EQ(parsed({"-"}, "a").operands, std::vector<std::string>{"-"});
}

TEST(CommandLine, TakesAnEmptyWordForAnOperand) {
  EXPECT_EQ(parsed({"", "-a"}, "a").operands.size(), 2u);
}

TEST(CommandLine, TakesAnythingForAnArgumentEvenTwoDashes) {
  EXPECT_EQ(letters_of(parsed({"-c", "--", "-a"}, "ac:")), "c--;a;");
}

TEST(CommandLine, KeepsAnEmptyArgument) {
  EXPECT_EQ(parsed({"-c", "", "x"}, "c:").last('c'), "");
}

TEST(CommandLine, AnswersWithTheLastOfARepeatedOption) {
  const auto line = parsed({"-c1", "-c2"}, "c:d");
  EXPECT_EQ(line.last('c'), "2");
  EXPECT_FALSE(line.has('d'));
  EXPECT_FALSE(line.last('d'));
}

TEST(CommandLine, ComplainsOfAnUnknownOptionLikeGetopt) {
  const auto ended = run(
      [](std::span<char*> words) {
        return static_cast<int>(command::parse(words, "ab:", "usage: postmap").operands.size());
      },
      [] {}, {"-az"});
  EXPECT_EQ(ended.messages, "postmap: invalid option -- 'z'\npostmap: fatal: usage: postmap\n");
  EXPECT_EQ(ended.status, 1);
}

TEST(CommandLine, ComplainsOfAMissingArgumentLikeGetopt) {
  const auto ended = run(
      [](std::span<char*> words) {
        return static_cast<int>(command::parse(words, "ab:", "usage: postmap").operands.size());
      },
      [] {}, {"-ab"});
  EXPECT_EQ(ended.messages, "postmap: option requires an argument -- 'b'\npostmap: fatal: usage: postmap\n");
}

TEST(CommandLine, NeverTakesAColonForAnOption) {
  EXPECT_THROW(parsed({"-:"}, "ab:"), base::Fatal);
}

TEST(Command, HandsOverTheWordsAfterTheProgramsName) {
  const auto ended =
      run([](std::span<char*> words) { return words.size() == 2 && words[1] == std::string("b") ? 7 : 1; }, [] {},
          {"a", "b"});
  EXPECT_EQ(ended.status, 7);
  EXPECT_EQ(ended.messages, "");
}

TEST(Command, LivesWithoutAnArgumentVector) {
  char* none[] = {nullptr};
  const auto ended =
      in_child([&] { return command::run(0, none, {"x", 1}, [](auto words) { return words.empty() ? 4 : 5; }); });
  EXPECT_EQ(ended.status, 4);
}

TEST(Command, TellsAFatalErrorOnceAndEndsWithTheIdentitysStatus) {
  char* none[] = {nullptr};
  const auto ended = in_child([&] {
    return command::run(0, none, {"postqueue", 69}, [](auto) -> int { throw base::Fatal("mail system is down"); });
  });
  EXPECT_EQ(ended.messages, "postqueue: fatal: mail system is down\n");
  EXPECT_EQ(ended.status, 69);
}

TEST(Command, KeepsBracesOfAMessageAndEscapesItsControls) {
  const auto ended = run([](auto) -> int { throw base::Fatal("a{reason}\n{b"); });
  EXPECT_EQ(ended.messages, "postmap: fatal: a{reason}?{b\n");
}

TEST(Command, EndsOnOtherExceptionsToo) {
  EXPECT_EQ(run([](auto) -> int { throw std::runtime_error("odd"); }).messages, "postmap: fatal: unexpected: odd\n");
  EXPECT_EQ(run([](auto) -> int { throw std::bad_alloc(); }).messages, "postmap: fatal: out of memory\n");
}

int print_a_lot(std::span<char*>) {
  for (int i = 0; i < 100000; ++i) std::fputs("0123456789", stdout);
  return 0;
}

void output_to(const char* path) {
  ::dup2(::open(path, O_WRONLY), STDOUT_FILENO);
}

TEST(Command, FailsWhenItsOutputIsLost) {
  const auto ended = run([](auto) { return std::fputs("x", stdout) < 0; }, [] { output_to("/dev/full"); });
  EXPECT_EQ(ended.messages, "postmap: fatal: write standard output: No space left on device\n");
  EXPECT_EQ(ended.status, 1);
}

TEST(Command, FailsWhenItsOutputWasLostBeforeTheEnd) {
  const auto ended = run(print_a_lot, [] { output_to("/dev/full"); });
  EXPECT_TRUE(ended.messages.starts_with("postmap: fatal: write standard output: ")) << ended.messages;
  EXPECT_EQ(ended.status, 1);
}

TEST(Command, FlushesItsOutput) {
  EXPECT_EQ(run([](auto) { return std::fputs("text", stdout) < 0; }).output, "text");
}

void output_to_broken_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) ::_exit(99);
  ::dup2(ends[1], STDOUT_FILENO);
  ::close(ends[0]);
}

TEST(Command, EndsSilentlyBySigpipeWhenTheReaderIsGone) {
  const auto ended = run(print_a_lot, output_to_broken_pipe);
  EXPECT_EQ(ended.signal, SIGPIPE);
  EXPECT_EQ(ended.messages, "");
}

TEST(Command, TellsOfABrokenPipeWhenSigpipeIsIgnoredFromTheStart) {
  const auto ended = run(print_a_lot, [] {
    std::signal(SIGPIPE, SIG_IGN);
    output_to_broken_pipe();
  });
  EXPECT_EQ(ended.status, 1);
  EXPECT_TRUE(ended.messages.starts_with("postmap: fatal: write standard output: ")) << ended.messages;
}

TEST(Command, FillsClosedStandardDescriptors) {
  const auto ended = run(
      [](auto) {
        const int next = ::open("/dev/null", O_RDONLY);
        return next > 2 && ::fcntl(0, F_GETFD) >= 0 && ::fcntl(1, F_GETFD) >= 0 && ::fcntl(2, F_GETFD) >= 0 ? 42 : next;
      },
      [] {
        ::close(0);
        ::close(1);
        ::close(2);
      });
  EXPECT_EQ(ended.status, 42);
}

TEST(Command, SetsTheUmask) {
  EXPECT_EQ(run([](auto) { return static_cast<int>(::umask(0)); }, [] { ::umask(0); }).status, 022);
}

TEST(Command, TakesMailVerboseFromTheEnvironment) {
  const auto verbose = [](auto) { return logging::verbosity(); };
  EXPECT_EQ(run(verbose).status, 0);
  EXPECT_EQ(run(verbose, [] { ::setenv("MAIL_VERBOSE", "", 1); }).status, 1);
}

}  // namespace
