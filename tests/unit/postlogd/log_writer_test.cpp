#include "postlogd/log_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

namespace {

class LogWriterTest : public ::testing::Test {
 protected:
  LogWriterTest() {
    int fds[2];
    EXPECT_EQ(::pipe2(fds, O_NONBLOCK), 0);
    reader_.reset(fds[0]);
    writer_.emplace(base::Fd(fds[1]));
  }
  std::string written() {
    std::string text(100'000, '\0');
    const ssize_t size = ::read(reader_.get(), text.data(), text.size());
    text.resize(static_cast<std::size_t>(std::max<ssize_t>(size, 0)));
    return text;
  }
  base::Fd reader_;
  std::optional<postlogd::LogWriter> writer_;
};

TEST_F(LogWriterTest, GathersLines) {
  writer_->append("one");
  writer_->append("two");
  EXPECT_EQ(written(), "");
  writer_->flush();
  EXPECT_EQ(written(), "one\ntwo\n");
}

TEST_F(LogWriterTest, DoesNotGatherWithoutEnd) {
  for (int i = 0; i < 70; ++i) writer_->append(std::string(1000, 'x'));
  EXPECT_GE(written().size(), 60'000u);
}

TEST_F(LogWriterTest, TellsHowManyLinesWereLost) {
  for (int i = 0; i < 3; ++i) {
    writer_->append(std::string(30'000, 'x'));
    writer_->flush();
  }
  writer_->append("does not fit");
  writer_->flush();
  (void)written();
  writer_->append("fits");
  writer_->flush();
  EXPECT_TRUE(written().contains("log lines were lost: the log file could not be written\nfits\n"));
}

}  // namespace
