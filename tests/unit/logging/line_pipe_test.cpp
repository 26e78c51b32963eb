#include "logging/line_pipe.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <climits>
#include <csignal>
#include <map>
#include <thread>

#include "base/text.h"

namespace {

using namespace std::string_literals;
using logging::Form;
using logging::PipeReader;
using logging::PipeWriter;
using Taken = logging::PipeReader::Taken;

const logging::Identity kIdentity{"postlogd", "postfix", "mx"};

std::string line_of(std::string_view sent) {
  return logging::line_of(sent, Form::text, kIdentity);
}

TEST(LogLine, IsWhatWasSent) {
  EXPECT_EQ(line_of("Nov 21 10:54:53 mx postfix/qmgr[1]: \xc3\xbc %s"),
            "Nov 21 10:54:53 mx postfix/qmgr[1]: \xc3\xbc %s");
}

TEST(LogLine, IsOneLineOfText) {
  EXPECT_EQ(line_of("a\nb\rc\033d\x7f"
                    "e\xff"),
            "a?b?c?d?e?");
  EXPECT_EQ(line_of("a\0b"s), "a?b");
}

TEST(LogLine, LosesWhatEndsIt) {
  EXPECT_EQ(line_of("a\n\0\n"s), "a");
  EXPECT_EQ(line_of("\n"), "");
}

TEST(LogLine, OfJsonStaysJson) {
  EXPECT_EQ(logging::line_of("{\"a\":1}\n", Form::json, kIdentity), "{\"a\":1}");
}

TEST(LogLine, OfAStrangerBecomesJson) {
  const std::string line = logging::line_of("Nov 21 mx x: \"quoted\"", Form::json, kIdentity);
  EXPECT_TRUE(line.starts_with('{') && line.ends_with('}'));
  EXPECT_TRUE(line.contains(R"("text":"Nov 21 mx x: \"quoted\"")")) << line;
}

class LinePipe : public testing::Test {
 protected:
  LinePipe() {
    ::signal(SIGPIPE, SIG_IGN);
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    out_.reset(ends[0]);
    in_.reset(ends[1]);
  }

  void write(std::string_view bytes) { ASSERT_EQ(::write(in_.get(), bytes.data(), bytes.size()), std::ssize(bytes)); }
  Taken take(PipeReader& reader) {
    return reader.take([this](std::string_view line) { lines_.emplace_back(line); }, [this] { ++stores_; });
  }
  void take_all(PipeReader& reader) {
    reader.take_all([this](std::string_view line) { lines_.emplace_back(line); }, [this] { ++stores_; });
  }
  long bytes_left() const {
    char space[200'000];
    return std::max<long>(0, ::read(out_.get(), space, sizeof space));
  }

  base::Fd out_;
  base::Fd in_;
  std::vector<std::string> lines_;
  int stores_ = 0;
};

using Lines = std::vector<std::string>;

TEST_F(LinePipe, GivesLinesInTheirOrder) {
  PipeReader reader(out_.get());
  write("one\ntwo\n");
  write("\nfour\n");
  EXPECT_EQ(take(reader), Taken::something);
  EXPECT_EQ(lines_, (Lines{"one", "two", "", "four"}));
  EXPECT_EQ(stores_, 1) << "one store for all";
  EXPECT_EQ(take(reader), Taken::nothing);
  EXPECT_EQ(stores_, 1);
}

TEST_F(LinePipe, LinesStayInItUntilTheyAreStored) {
  write("one\ntwo\n");
  PipeReader killed(out_.get());
  const auto die = [] { throw std::runtime_error("killed"); };
  EXPECT_THROW((void)killed.take([](std::string_view) {}, die), std::runtime_error);
  PipeReader successor(out_.get());
  write("three\n");
  EXPECT_EQ(take(successor), Taken::something);
  EXPECT_EQ(lines_, (Lines{"one", "two", "three"}));
}

TEST_F(LinePipe, HalfALineWaitsForItsOtherHalf) {
  PipeReader reader(out_.get());
  write("one\ntw");
  EXPECT_EQ(take(reader), Taken::something);
  EXPECT_EQ(lines_, (Lines{"one"}));
  EXPECT_EQ(take(reader), Taken::something);
  EXPECT_EQ(take(reader), Taken::nothing) << "and does not keep the reader busy";
  write("o\nthree\n");
  EXPECT_EQ(take(reader), Taken::something);
  EXPECT_EQ(lines_, (Lines{"one", "two", "three"}));
}

TEST_F(LinePipe, HalfALineIsALineWhenItsReaderLeaves) {
  PipeReader reader(out_.get());
  write("half");
  EXPECT_EQ(take(reader), Taken::something);
  EXPECT_EQ(lines_, Lines{});
  reader.give_up_rest([this](std::string_view line) { lines_.emplace_back(line); });
  reader.give_up_rest([this](std::string_view line) { lines_.emplace_back(line); });
  EXPECT_EQ(lines_, (Lines{"half"}));
}

TEST_F(LinePipe, AnEndlessLineIsCut) {
  PipeReader reader(out_.get());
  for (int i = 0; i < 100; ++i) {
    write(std::string(4000, 'x'));
    take_all(reader);
  }
  write("x\nnext\n");
  take_all(reader);
  ASSERT_EQ(lines_.size(), 2u);
  EXPECT_EQ(lines_[0], std::string(logging::kLongestPipedLine, 'x'));
  EXPECT_EQ(lines_[1], "next");
}

TEST_F(LinePipe, ALineThatEndsJustBeyondTheLongestIsCut) {
  PipeReader reader(out_.get());
  ASSERT_GE(::fcntl(in_.get(), F_SETPIPE_SZ, 1 << 18), 1 << 18);
  write(std::string(logging::kLongestPipedLine - 1, 'x'));
  take_all(reader);
  write("xyz\nnext\n");
  take_all(reader);
  EXPECT_EQ(lines_, (Lines{std::string(logging::kLongestPipedLine, 'x'), "next"}));
}

TEST_F(LinePipe, GarbageIsLinesToo) {
  PipeReader reader(out_.get());
  write("a\0b\n\xff\n\r\n"s);
  take_all(reader);
  EXPECT_EQ(lines_, (Lines{"a\0b"s, "\xff", "\r"}));
}

TEST_F(LinePipe, TakesAllThatIsThereInSeveralSteps) {
  PipeReader reader(out_.get());
  ASSERT_GE(::fcntl(in_.get(), F_SETPIPE_SZ, 1 << 20), 1 << 20);
  PipeWriter writer(in_.get());
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(writer.put(fmt::format("line {} {}\n", i, std::string(120, 'x'))));
  take_all(reader);
  ASSERT_EQ(lines_.size(), 5000u);
  EXPECT_TRUE(lines_.front().starts_with("line 0 ") && lines_.back().starts_with("line 4999 "));
  EXPECT_GT(stores_, 5);
  EXPECT_EQ(bytes_left(), 0);
}

TEST_F(LinePipe, OneWhoWritesAllTheTimeDoesNotKeepItsReader) {
  PipeReader reader(out_.get());
  PipeWriter writer(in_.get());
  ASSERT_TRUE(writer.put("first\n"));
  int more = 0;
  reader.take_all([](std::string_view) {},
                  [&] {
                    if (++more < 1000) (void)writer.put("more\n");
                  });
  EXPECT_LT(more, 10);
}

TEST_F(LinePipe, TellsThatNobodyIsLeftToWrite) {
  PipeReader reader(out_.get());
  EXPECT_EQ(take(reader), Taken::nothing);
  write("last words\n");
  in_.reset();
  EXPECT_EQ(take(reader), Taken::something);
  EXPECT_EQ(lines_, (Lines{"last words"}));
  EXPECT_EQ(take(reader), Taken::end);
}

TEST_F(LinePipe, LinesOfManyProcessesAndThreadsDoNotMix) {
  constexpr int kProcesses = 4;
  constexpr int kThreads = 3;
  constexpr int kLines = 400;
  for (int process = 0; process < kProcesses; ++process) {
    if (::fork() != 0) continue;
    std::vector<std::thread> threads;
    for (int thread = 0; thread < kThreads; ++thread) {
      threads.emplace_back([&, thread] {
        PipeWriter writer(in_.get());
        for (int i = 0; i < kLines; ++i) {
          const auto length = static_cast<std::size_t>(1 + (i * 37 + thread) % 4000);
          const auto line = fmt::format("{} {} {} {}\n", process, thread, i, std::string(length, 'x'));
          while (!writer.put(line)) {
          }
        }
      });
    }
    for (auto& thread : threads) thread.join();
    ::_exit(0);
  }
  in_.reset();
  std::map<std::string, int> next;
  int count = 0;
  const auto check = [&](std::string_view line) {
    const auto words = base::split(line, " ");
    ASSERT_EQ(words.size(), 4u) << line;
    const auto i = base::to_long(words[2]);
    ASSERT_EQ(i, next[fmt::format("{} {}", words[0], words[1])]++) << "in order";
    ASSERT_EQ(words[3], std::string(words[3].size(), 'x'));
    ASSERT_EQ(words[3].size(), static_cast<std::size_t>(1 + (*i * 37 + *base::to_long(words[1])) % 4000));
    ++count;
  };
  PipeReader reader(out_.get());
  Taken taken;
  while ((taken = reader.take(check, [] {})) != Taken::end) {
    if (taken == Taken::nothing) std::this_thread::yield();
  }
  EXPECT_EQ(count, kProcesses * kThreads * kLines);
  for (int process = 0; process < kProcesses; ++process) {
    int status = 0;
    ::wait(&status);
    EXPECT_EQ(status, 0);
  }
}

TEST_F(LinePipe, WhatOneWriteCannotKeepTogetherGoesAnotherWay) {
  PipeWriter writer(in_.get());
  EXPECT_FALSE(writer.put(std::string(PIPE_BUF, 'x') + "\n"));
  EXPECT_TRUE(writer.put(std::string(PIPE_BUF - 1, 'x') + "\n"));
  EXPECT_EQ(bytes_left(), PIPE_BUF);
}

TEST_F(LinePipe, ThatIsFullIsWaitedForOnce) {
  using std::chrono::steady_clock;
  PipeWriter writer(in_.get());
  const std::string line = std::string(999, 'x') + "\n";
  const auto full_after = [&] {
    int count = 0;
    while (writer.put(line)) ++count;
    return count;
  };
  auto before = steady_clock::now();
  EXPECT_GT(full_after(), 10);
  EXPECT_GE(steady_clock::now() - before, logging::kMoment);
  before = steady_clock::now();
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(writer.put(line));
  EXPECT_LT(steady_clock::now() - before, std::chrono::seconds(5)) << "100 moments are 20 seconds";
  (void)bytes_left();
  EXPECT_GT(full_after(), 10) << "again, once there is room";
}

TEST_F(LinePipe, ThatIsFullIsWrittenToWhenThereIsRoom) {
  PipeWriter writer(in_.get());
  const std::string line = std::string(999, 'x') + "\n";
  while (::write(in_.get(), line.data(), line.size()) > 0) {
  }
  std::thread slow([this] {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    (void)bytes_left();
  });
  EXPECT_TRUE(writer.put(line));
  slow.join();
  PipeReader reader(out_.get());
  take_all(reader);
  EXPECT_EQ(lines_, (Lines{line.substr(0, 999)}));
}

TEST_F(LinePipe, ThatNobodyReadsIsGivenUp) {
  PipeWriter writer(in_.get());
  out_.reset();
  EXPECT_FALSE(writer.put("lost?\n"));
  EXPECT_FALSE(writer.put("lost?\n"));
  EXPECT_FALSE(PipeWriter(-1).put("x\n"));
}

TEST_F(LinePipe, IsToldFromOtherThings) {
  EXPECT_TRUE(logging::is_pipe_end(out_.get(), O_RDONLY));
  EXPECT_TRUE(logging::is_pipe_end(in_.get(), O_WRONLY));
  EXPECT_FALSE(logging::is_pipe_end(out_.get(), O_WRONLY));
  EXPECT_FALSE(logging::is_pipe_end(in_.get(), O_RDONLY));
  int pair[2];
  ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
  const base::Fd one(pair[0]);
  const base::Fd other(pair[1]);
  EXPECT_FALSE(logging::is_pipe_end(one.get(), O_RDWR));
  EXPECT_FALSE(logging::is_pipe_end(-1, O_RDONLY));
  EXPECT_FALSE(logging::is_pipe_end(1'000'000, O_RDONLY));
  const base::Fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  EXPECT_FALSE(logging::is_pipe_end(file.get(), O_WRONLY));
}

}  // namespace
