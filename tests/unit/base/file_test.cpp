#include "base/file.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstdlib>
#include <thread>

namespace {

using base::Fd;
using base::ReplacementFile;

constexpr ReplacementFile::Ownership kMine{0, 0, 0644};

class Files : public testing::Test {
 protected:
  Files() {
    char name[] = "/tmp/file_test.XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~Files() override {
    for (const char* name : {"a", "a.tmp", "b"}) ::unlink(path(name).c_str());
    ::rmdir(folder_.c_str());
  }

  std::string path(std::string_view name) const { return folder_ + "/" + std::string(name); }
  void put(std::string_view name, std::string_view content, mode_t mode = 0600) const {
    Fd fd(::open(path(name).c_str(), O_WRONLY | O_CREAT | O_TRUNC, mode));
    ASSERT_TRUE(base::write_fully(fd.get(), content, name));
  }
  std::string content(std::string_view name) const { return base::read_file(path(name), 1000000).value_or("(none)"); }
  mode_t mode(std::string_view name) const { return base::stat_of(path(name))->st_mode & 07777; }
  bool exists(std::string_view name) const { return ::access(path(name).c_str(), F_OK) == 0; }

  // Replaces "a" and commits.
  std::expected<void, base::Error> replace(std::string_view with,
                                           const ReplacementFile::Ownership& ownership = kMine) const {
    auto file = ReplacementFile::create(path("a"), ownership);
    if (!file) return std::unexpected(file.error());
    if (auto written = base::write_fully(file->fd(), with, "a"); !written) return written;
    return file->commit();
  }

  std::string folder_;
};

TEST_F(Files, AreReadWhole) {
  std::string large(200000, 'x');
  large += '\0';
  put("a", large);
  EXPECT_EQ(content("a"), large);
}

TEST_F(Files, AreReadUpToALimitOnly) {
  put("a", "12345");
  EXPECT_EQ(base::read_file(path("a"), 5).value_or(""), "12345");
  const auto over = base::read_file(path("a"), 4);
  ASSERT_FALSE(over);
  EXPECT_EQ(over.error().text, path("a") + ": the file is larger than 4 bytes");
}

TEST_F(Files, ThatCannotBeReadSayWhy) {
  EXPECT_EQ(base::read_file(path("none"), 1).error().text, "open " + path("none") + ": No such file or directory");
  EXPECT_EQ(base::read_file(folder_, 1).error().text, "open " + folder_ + ": Is a directory");
  EXPECT_EQ(base::stat_of(path("none")).error().text, "stat " + path("none") + ": No such file or directory");
}

TEST_F(Files, ThatGrowWithoutASizeAreReadToTheEnd) {
  EXPECT_TRUE(base::read_file("/proc/self/status", 100000).value_or("").contains("Name:"));
}

TEST_F(Files, AreNotLeftOpenInOtherPrograms) {
  put("a", "x");
  const auto fd = base::open_for_reading(path("a"));
  EXPECT_NE(::fcntl(fd->get(), F_GETFD) & FD_CLOEXEC, 0);
}

TEST(Writing, ToAFullDeviceIsAnError) {
  const Fd full(::open("/dev/full", O_WRONLY));
  const auto written = base::write_fully(full.get(), "x", "the log");
  ASSERT_FALSE(written);
  EXPECT_EQ(written.error().text, "write the log: No space left on device");
}

TEST(Writing, GoesOnUntilAllIsWritten) {
  int ends[2];
  ASSERT_EQ(::pipe(ends), 0);
  const Fd in(ends[0]);
  Fd out(ends[1]);
  std::size_t got = 0;
  std::thread reader([&] {
    char chunk[1000];
    for (ssize_t n = 0; (n = ::read(in.get(), chunk, sizeof chunk)) > 0;) got += static_cast<std::size_t>(n);
  });
  EXPECT_TRUE(base::write_fully(out.get(), std::string(500000, 'x'), "pipe"));
  out.reset();
  reader.join();
  EXPECT_EQ(got, 500000u);
}

TEST_F(Files, AreReplacedByCommit) {
  put("a", "old");
  ASSERT_TRUE(replace("new"));
  EXPECT_EQ(content("a"), "new");
  EXPECT_FALSE(exists("a.tmp"));
}

TEST_F(Files, AreUntouchedWithoutCommit) {
  put("a", "old");
  {
    auto file = ReplacementFile::create(path("a"), kMine);
    ASSERT_TRUE(file);
    EXPECT_EQ(file->temporary_path(), path("a.tmp"));
    ASSERT_TRUE(base::write_fully(file->fd(), "half", "a"));
    EXPECT_EQ(content("a"), "old");
    EXPECT_TRUE(exists("a.tmp"));
  }
  EXPECT_EQ(content("a"), "old");
  EXPECT_FALSE(exists("a.tmp"));
}

TEST_F(Files, KeepTheirReadersOnTheOldContentDuringReplacement) {
  put("a", "old");
  const auto reader = base::open_for_reading(path("a"));
  ASSERT_TRUE(replace("new"));
  char text[4] = "";
  EXPECT_EQ(::read(reader->get(), text, 3), 3);
  EXPECT_STREQ(text, "old");
}

TEST_F(Files, GetTheModeThatIsAskedForWhateverTheUmask) {
  const mode_t before = ::umask(077);
  ASSERT_TRUE(replace("x", {0, 0, 0664}));
  ::umask(before);
  EXPECT_EQ(mode("a"), 0664u);
}

TEST_F(Files, GetTheirOwnerFromRoot) {
  if (::geteuid() != 0) GTEST_SKIP() << "only root can give files away";
  ASSERT_TRUE(replace("x", {1, 2, 0640}));
  EXPECT_EQ(base::stat_of(path("a"))->st_uid, 1u);
  EXPECT_EQ(base::stat_of(path("a"))->st_gid, 2u);
}

TEST_F(Files, ReuseWhatACrashedBuilderLeft) {
  put("a.tmp", "a leftover that is longer than the new content", 0600);
  ASSERT_TRUE(replace("new"));
  EXPECT_EQ(content("a"), "new");
  EXPECT_EQ(mode("a"), 0644u);
}

TEST_F(Files, AreNotBuiltThroughALinkSomeoneLeft) {
  put("b", "precious");
  ASSERT_EQ(::symlink(path("b").c_str(), path("a.tmp").c_str()), 0);
  EXPECT_FALSE(replace("new"));
  EXPECT_EQ(content("b"), "precious");
  ::unlink(path("a.tmp").c_str());
  ASSERT_EQ(::link(path("b").c_str(), path("a.tmp").c_str()), 0);
  const auto result = replace("new");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, path("a.tmp") + ": not a regular file of its own; remove it");
  EXPECT_EQ(content("b"), "precious");
}

TEST_F(Files, AreNotBuiltInAPipeSomeoneLeft) {
  ASSERT_EQ(::mkfifo(path("a.tmp").c_str(), 0600), 0);
  EXPECT_FALSE(replace("new"));
}

TEST_F(Files, InAMissingFolderCannotBeBuilt) {
  const auto file = ReplacementFile::create(path("none/a"), kMine);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().text, "create " + path("none/a.tmp") + ": No such file or directory");
}

TEST_F(Files, ThatCannotBeRenamedLeaveNothingBehind) {
  ASSERT_EQ(::mkdir(path("a").c_str(), 0700), 0);
  const auto result = replace("x");
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().text, "rename " + path("a.tmp") + " to " + path("a") + ": Is a directory");
  EXPECT_FALSE(exists("a.tmp"));
  ::rmdir(path("a").c_str());
}

TEST_F(Files, HaveOneBuilderAtATime) {
  auto first = ReplacementFile::create(path("a"), kMine);
  ASSERT_TRUE(first);
  ASSERT_TRUE(base::write_fully(first->fd(), "first", "a"));
  const pid_t second = ::fork();
  if (second == 0) {
    ::close(first->fd());  // a copy of the first builder's descriptor would keep its lock
    ::_exit(replace("second") ? 0 : 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(100));
  EXPECT_EQ(::waitpid(second, nullptr, WNOHANG), 0) << "the second builder did not wait";
  ASSERT_TRUE(first->commit());
  int status = -1;
  ::waitpid(second, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content("a"), "second");
}

TEST_F(Files, LetTheNextBuilderInWhenOneGivesUp) {
  auto first = std::make_unique<ReplacementFile>(*ReplacementFile::create(path("a"), kMine));
  const pid_t second = ::fork();
  if (second == 0) {
    ::close(first->fd());
    ::_exit(replace("second") ? 0 : 1);
  }
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  first.reset();
  int status = -1;
  ::waitpid(second, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(content("a"), "second");
}

TEST_F(Files, SurviveManyBuildersAtOnce) {
  std::vector<pid_t> builders;
  for (char letter = 'a'; letter < 'i'; ++letter) {
    builders.push_back(::fork());
    if (builders.back() != 0) continue;
    bool good = true;
    for (int i = 0; i < 20; ++i) good = replace(std::string(5000, letter)) && good;
    ::_exit(good ? 0 : 1);
  }
  for (const pid_t builder : builders) {
    int status = -1;
    ::waitpid(builder, &status, 0);
    EXPECT_EQ(status, 0);
  }
  const std::string last = content("a");
  EXPECT_EQ(last.size(), 5000u);
  EXPECT_EQ(last, std::string(5000, last[0]));
  EXPECT_FALSE(exists("a.tmp"));
}

TEST_F(Files, ReplacedByAKilledBuilderStayOld) {
  put("a", "old");
  const pid_t builder = ::fork();
  if (builder == 0) {
    auto file = ReplacementFile::create(path("a"), kMine);
    (void)base::write_fully(file->fd(), "half", "a");
    ::_exit(0);  // no destructor: as if killed
  }
  ::waitpid(builder, nullptr, 0);
  EXPECT_EQ(content("a"), "old");
  EXPECT_TRUE(exists("a.tmp"));
  ASSERT_TRUE(replace("new"));
  EXPECT_EQ(content("a"), "new");
}

TEST_F(Files, MakeTheirFolderEntryDurable) {
  EXPECT_TRUE(base::sync_directory_of(path("a")));
  EXPECT_TRUE(base::sync_directory_of("a"));
  EXPECT_TRUE(base::sync_directory_of("/a"));
  EXPECT_FALSE(base::sync_directory_of(path("none/a")));
}

}  // namespace
