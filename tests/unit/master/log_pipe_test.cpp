#include "master/log_pipe.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "base/file.h"
#include "logging/line_pipe.h"

namespace {

class LogPipe : public testing::Test {
 protected:
  LogPipe() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    log_.file = folder_ + "/log";
    EXPECT_TRUE(pipe_.make());
  }
  ~LogPipe() override { std::filesystem::remove_all(folder_); }
  void say(std::string_view text) { ASSERT_EQ(::write(pipe_.writing(), text.data(), text.size()), std::ssize(text)); }
  std::string written() const { return base::read_file(log_.file, 10'000'000).value_or(""); }

  std::string folder_ = "/tmp/log_pipe_test_XXXXXX";
  logging::Setup log_;
  master::LogPipe pipe_;
};

TEST_F(LogPipe, HasRoomForABurstAndIsClosedOnExec) {
  for (const int fd : {pipe_.reading(), pipe_.writing()}) {
    EXPECT_EQ(::fcntl(fd, F_GETFD), FD_CLOEXEC);
    EXPECT_NE(::fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    EXPECT_GE(::fcntl(fd, F_GETPIPE_SZ), 64 * 1024);
  }
}

TEST_F(LogPipe, IsMadeOnce) {
  const int fd = pipe_.reading();
  EXPECT_TRUE(pipe_.make());
  EXPECT_EQ(pipe_.reading(), fd);
}

TEST_F(LogPipe, IsWrittenOutAsPostlogdWould) {
  say(std::string_view("one\ntw\0o\nhalf", 13));
  pipe_.write_out(log_);
  EXPECT_EQ(written(), "one\ntw?o\nhalf\n");
  pipe_.write_out(log_);
  EXPECT_EQ(written(), "one\ntw?o\nhalf\n") << "once";
}

TEST_F(LogPipe, IsWrittenOutAsAWhole) {
  logging::PipeWriter writer(pipe_.writing());
  std::string line(1000, 'x');
  line.back() = '\n';
  std::size_t count = 0;
  while (writer.put(line)) ++count;
  pipe_.write_out(log_);
  EXPECT_EQ(written().size(), count * 1000);
}

TEST_F(LogPipe, WithNothingInItMakesNoFile) {
  pipe_.write_out(log_);
  EXPECT_FALSE(std::filesystem::exists(log_.file));
  master::LogPipe().write_out(log_);
}

TEST_F(LogPipe, GoesWhereTheLogGoesWithoutAFile) {
  const logging::Capture log;
  log_.file.clear();
  say("one\ntwo\n");
  pipe_.write_out(log_);
  EXPECT_TRUE(log.contains("one") && log.contains("two"));
}

}  // namespace
