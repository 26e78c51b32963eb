#include "postkick/postkick.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <thread>

#include "base/fd.h"

namespace {

using std::chrono::seconds;

class Kick : public testing::Test {
 protected:
  void SetUp() override {
    std::signal(SIGPIPE, SIG_IGN);  // as every command does
    std::filesystem::create_directories(folder_);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  base::Fd listen() const {
    base::Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path_.copy(address.sun_path, sizeof address.sun_path - 1);
    EXPECT_EQ(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(::listen(fd.get(), 5), 0);
    return fd;
  }
  std::filesystem::path folder_ = std::filesystem::temp_directory_path() / fmt::format("unit_postkick.{}", ::getpid());
  std::string path_ = folder_ / "service";
};

TEST_F(Kick, LettersAndANulByteArrive) {
  const base::Fd listener = listen();
  std::string got;
  std::thread service([&] {
    const base::Fd client(::accept(listener.get(), nullptr, nullptr));
    char text[16];
    for (ssize_t size; (size = ::read(client.get(), text, sizeof text)) > 0;) {
      got.append(text, static_cast<std::size_t>(size));
    }
  });
  EXPECT_TRUE(postkick::kick(path_, "FADI", seconds(20)));
  service.join();
  EXPECT_EQ(got, std::string("FADI\0", 5));
}

TEST_F(Kick, WaitsForTheServiceToTakeIt) {
  const base::Fd listener = listen();
  // Nobody reads: the time that was given passes, and that is no error.
  const auto start = std::chrono::steady_clock::now();
  EXPECT_TRUE(postkick::kick(path_, "W", seconds(1)));
  EXPECT_GE(std::chrono::steady_clock::now() - start, seconds(1));
}

TEST_F(Kick, AServiceThatOnlyClosesIsFine) {
  const base::Fd listener = listen();
  std::thread service([&] {
    const base::Fd client(::accept(listener.get(), nullptr, nullptr));
    struct pollfd asked{client.get(), POLLIN, 0};
    EXPECT_EQ(::poll(&asked, 1, 20000), 1);
  });
  EXPECT_TRUE(postkick::kick(path_, "W", seconds(20)));
  service.join();
}

TEST_F(Kick, AFifoGetsThemToo) {
  ASSERT_EQ(::mkfifo(path_.c_str(), 0600), 0);
  const base::Fd reader(::open(path_.c_str(), O_RDWR | O_NONBLOCK | O_CLOEXEC));
  EXPECT_TRUE(postkick::kick(path_, "W", seconds(20)));
  char text[16];
  EXPECT_EQ(::read(reader.get(), text, sizeof text), 2);
}

TEST_F(Kick, NobodyThereIsAnError) {
  const auto absent = postkick::kick(path_, "W", seconds(1));
  ASSERT_FALSE(absent);
  EXPECT_EQ(absent.error().text, fmt::format("unable to look up {}: No such file or directory", path_));
  {
    const base::Fd gone = listen();
  }
  const auto refused = postkick::kick(path_, "W", seconds(1));
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().text, fmt::format("connect to {}: Connection refused", path_));
}

}  // namespace
