// The pipe that master gives its children for their log lines.

#include "service/log_pipe.h"

#include "fake_master.h"
#include "logging/log.h"

namespace {

using namespace service_test;

// Tells what it was given, and says what it is told to.
class Speaker : public service::Server {
 public:
  void serve(service::Client client) override {
    io::Stream stream(std::move(client.fd));
    stream.set_deadline(soon());
    while (auto line = stream.read_line_or_end(1000)) {
      logging::info("test.said", "{text}", {{"text", line->text}});
      const int flags = ::fcntl(7, F_GETFD);
      const bool knows = std::getenv(service::kLogPipeVariable) != nullptr;
      stream.write(fmt::format("{} {}\n",
                               flags < 0             ? "none"
                               : flags == FD_CLOEXEC ? "ours"
                                                     : "everyone's",
                               knows ? "known" : "unknown"));
      stream.flush();
    }
  }
};

service::Program speaker() {
  return {.program = "speaker", .open = [](const service::Context&) { return std::make_unique<Speaker>(); }};
}

class LogPipe : public FakeMaster {
 protected:
  LogPipe() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    out_.reset(ends[0]);
    in_.reset(ends[1]);
    log_variable_ = service::kLogPipeVariable;
    log_pipe_ = in_.get();
  }
  std::string say(const std::string& text) {
    io::Stream stream = connect();
    stream.write(text + "\n");
    stream.flush();
    return stream.read_line(1000).text;
  }
  std::string piped() const {
    std::string text(60'000, '\0');
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(0, ::read(out_.get(), text.data(), text.size()))));
    return text;
  }
  base::Fd out_;
  base::Fd in_;
};

TEST_F(LogPipe, TakesTheLinesOfAProcess) {
  start(speaker());
  EXPECT_EQ(say("hello"), "ours unknown") << "no program that it runs would have it";
  EXPECT_TRUE(piped().ends_with(": hello\n"));
  EXPECT_FALSE(log_text().contains("hello"));
}

TEST_F(LogPipe, KeepsTheLinesOfOneThatIsKilled) {
  const pid_t child = start(speaker());
  (void)say("last words");
  ::kill(child, SIGKILL);
  (void)wait_for_exit(child);
  EXPECT_TRUE(piped().ends_with(": last words\n"));
}

TEST_F(LogPipe, ThatNobodyReadsHarmsNobody) {
  out_.reset();
  in_.reset();
  int ends[2];
  ASSERT_EQ(::pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
  in_.reset(ends[1]);
  ::close(ends[0]);
  log_pipe_ = in_.get();
  start(speaker());
  EXPECT_EQ(say("hello"), "ours unknown");
  EXPECT_EQ(say("again"), "ours unknown");
  EXPECT_TRUE(log_has(": hello")) << "there is no postlogd either";
  EXPECT_TRUE(log_has(": again"));
}

TEST_F(LogPipe, ThatIsNoneIsLeftAlone) {
  const auto end_is = [this](int fd, const std::string& value) {
    log_pipe_ = fd;
    log_value_ = value;
    const pid_t child = start(speaker());
    const std::string answer = say("hello");
    ::kill(child, SIGKILL);
    (void)wait_for_exit(child);
    return answer;
  };
  EXPECT_EQ(end_is(out_.get(), "7"), "everyone's unknown") << "the wrong end";
  EXPECT_EQ(end_is(flow_read_.get(), "3"), "everyone's unknown") << "what the contract says of 3 holds";
  EXPECT_EQ(end_is(in_.get(), "-7"), "everyone's unknown");
  EXPECT_EQ(end_is(in_.get(), "7x"), "everyone's unknown");
  EXPECT_EQ(end_is(in_.get(), ""), "everyone's unknown");
  EXPECT_EQ(end_is(in_.get(), "99999999999"), "everyone's unknown");
  EXPECT_TRUE(end_is(-1, "7").ends_with(" unknown")) << "nothing was there";
  EXPECT_EQ(piped(), "");
  EXPECT_TRUE(log_text().contains("hello"));
}

TEST_F(LogPipe, IsNotForAStandAloneProcess) {
  service::Program program = speaker();
  program.stand_alone_as_caller = true;
  const pid_t child = start(program, {"-S"});
  EXPECT_EQ(wait_for_exit(child), 0);
  EXPECT_EQ(piped(), "");
}

}  // namespace
