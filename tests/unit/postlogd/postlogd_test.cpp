#include "postlogd/postlogd.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "base/file.h"
#include "config/config.h"
#include "logging/log.h"

namespace {

using Lines = service::Server::Lines;

class Postlogd : public testing::Test {
 protected:
  Postlogd() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    ::sigprocmask(SIG_SETMASK, nullptr, &signals_);
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    out_.reset(ends[0]);
    in_.reset(ends[1]);
  }
  ~Postlogd() override {
    ::sigprocmask(SIG_SETMASK, &signals_, nullptr);
    std::filesystem::remove_all(folder_);
  }

  std::unique_ptr<service::Server> open(const std::string& more = "") {
    std::ofstream(folder_ + "/main.cf") << "compatibility_level = 3.6\nmyhostname = mx.test\nmaillog_file = " << file()
                                        << "\nmaillog_file_prefixes = /tmp\n"
                                        << more;
    auto config = config::Config::load({.directory = folder_});
    EXPECT_TRUE(config) << config.error().text;
    config_.emplace(std::move(*config));
    context_.emplace(service::Context{
        .config = *config_, .program = "postlogd", .service_name = "postlog", .arguments = {}, .log_pipe = out_.get()});
    return postlogd::open(*context_);
  }
  void say(std::string_view text) { ASSERT_EQ(::write(in_.get(), text.data(), text.size()), std::ssize(text)); }
  std::string file() const { return folder_ + "/log"; }
  std::string written() const { return base::read_file(file(), 1'000'000).value_or(""); }

  std::string folder_ = "/tmp/postlogd_test_XXXXXX";
  sigset_t signals_{};
  base::Fd out_;
  base::Fd in_;
  std::optional<config::Config> config_;
  std::optional<service::Context> context_;
};

TEST_F(Postlogd, WritesWhatIsInThePipe) {
  const auto server = open();
  say("one\n");
  say("two\n");
  EXPECT_EQ(server->take_lines(), Lines::something);
  EXPECT_EQ(written(), "one\ntwo\n");
  EXPECT_EQ(server->take_lines(), Lines::nothing);
  in_.reset();
  EXPECT_EQ(server->take_lines(), Lines::end);
}

TEST_F(Postlogd, GivesWritersAMomentAfterItFoundSomething) {
  const auto server = open();
  say("one\n");
  const auto before = std::chrono::steady_clock::now();
  EXPECT_EQ(server->take_lines(), Lines::something);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(2));
}

TEST_F(Postlogd, ADatagramDoesNotOvertakeThePipe) {
  const auto server = open();
  say("first\n");
  server->datagram("second");
  say("third\n");
  server->datagram("fourth");
  server->no_more_datagrams();
  EXPECT_EQ(written(), "first\nsecond\nthird\nfourth\n");
  EXPECT_EQ(server->take_lines(), Lines::nothing);
}

TEST_F(Postlogd, MasksInThePipeWhatItMasksInDatagrams) {
  const auto server = open();
  say(std::string_view("a\0b\x1b[m\xff\n", 9));
  EXPECT_EQ(server->take_lines(), Lines::something);
  EXPECT_EQ(written(), "a?b?[m?\n");
}

TEST_F(Postlogd, MakesJsonOfTextInThePipe) {
  const auto server = open("maillog_file_form = json\n");
  say("{\"a\":1}\nplain\n");
  EXPECT_EQ(server->take_lines(), Lines::something);
  EXPECT_TRUE(written().starts_with("{\"a\":1}\n{\"time\":")) << written();
  EXPECT_TRUE(written().contains("\"text\":\"plain\"")) << written();
}

TEST_F(Postlogd, LeavesWithAllLinesWritten) {
  const auto server = open();
  std::string line(1001, 'x');
  line.back() = '\n';
  for (int i = 0; i < 50; ++i) say(line);
  say("half");
  server->finish(io::Deadline::never());
  EXPECT_EQ(written().size(), 50u * 1001 + 5);
  EXPECT_TRUE(written().ends_with("x\nhalf\n"));
}

TEST_F(Postlogd, WithoutAFileHandsThePipeOnToItsOwnLog) {
  const auto server = open("maillog_file =\n");
  const logging::Capture log;
  say("one\n");
  EXPECT_EQ(server->take_lines(), Lines::something);
  EXPECT_TRUE(log.contains("one"));
}

}  // namespace
