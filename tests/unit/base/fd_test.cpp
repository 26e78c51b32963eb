#include "base/fd.h"

#include <fcntl.h>

namespace {

using base::Fd;

int some_descriptor() {
  return ::open("/dev/null", O_RDONLY);
}
bool is_open(int number) {
  return ::fcntl(number, F_GETFD) >= 0;
}

TEST(Fd, ClosesWhatItOwns) {
  const int number = some_descriptor();
  {
    const Fd fd(number);
    EXPECT_TRUE(fd);
    EXPECT_TRUE(is_open(number));
  }
  EXPECT_FALSE(is_open(number));
}

TEST(Fd, HandsOverInMoves) {
  const int number = some_descriptor();
  Fd first(number);
  Fd second(std::move(first));
  EXPECT_EQ(second.get(), number);
  EXPECT_FALSE(first);  // NOLINT: what a moved-from one promises
  Fd third(some_descriptor());
  const int replaced = third.get();
  third = std::move(second);
  EXPECT_EQ(third.get(), number);
  EXPECT_FALSE(is_open(replaced));
}

TEST(Fd, SurvivesAMoveToItself) {
  Fd fd(some_descriptor());
  Fd& same = fd;
  fd = std::move(same);
  EXPECT_TRUE(is_open(fd.get()));
}

TEST(Fd, LetsGo) {
  Fd fd(some_descriptor());
  const int number = fd.release();
  EXPECT_FALSE(fd);
  EXPECT_TRUE(is_open(number));
  ::close(number);
}

TEST(Fd, OwnsNothingAtFirst) {
  EXPECT_FALSE(Fd());
  EXPECT_EQ(Fd().get(), -1);
}

}  // namespace
