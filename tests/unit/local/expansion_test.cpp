#include "local/expansion.h"

#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include <filesystem>
#include <fstream>

#include "config/config.h"
#include "logging/log.h"

namespace {

// A .forward file of whoever runs the test.
class ForwardFile : public testing::Test {
 protected:
  ForwardFile() {
    std::string path = (std::filesystem::temp_directory_path() / "forward-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    folder_ = path;
  }
  ~ForwardFile() override { std::filesystem::remove_all(folder_); }

  bool lets_mail_wait() const {
    auto config = config::Config::from_text("alias_maps =\nforward_path = $home/.forward\n", {.process_name = "local"});
    if (!config) throw std::runtime_error(config.error().text);
    const local::User user{.name = "ann", .ids = {::geteuid(), ::getegid()}, .home = folder_.string(), .shell = ""};
    return local::Expansion(*config).forward_file(local::parse_recipient("ann", {"", false, ""}), user).has_value();
  }
  void put(const std::string& text) const { std::ofstream(folder_ / ".forward") << text; }

  std::filesystem::path folder_;
};

TEST_F(ForwardFile, LetsMailWaitUnlessItSaysNothing) {
  EXPECT_FALSE(lets_mail_wait());
  for (const char* text : {"", "# nothing\n\n"}) {
    put(text);
    EXPECT_FALSE(lets_mail_wait()) << text;
  }
  std::string much(70'000, '\n');
  much += "\\ann\n";
  for (const std::string& text : {std::string("\\ann\n"), much}) {
    put(text);
    EXPECT_TRUE(lets_mail_wait()) << text.size();
  }
}

// Who opens it a second time finds what its owner has put there meanwhile: a FIFO, and waits for as long as he likes.
TEST_F(ForwardFile, HoldsUpNobodyWhoeverExchangesIt) {
  constexpr int kLooks = 2000;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::signal(SIGALRM, SIG_DFL);
    ::alarm(20);
    const logging::Capture quiet;
    for (int i = 0; i < kLooks; ++i) (void)lets_mail_wait();
    ::_exit(0);
  }
  const std::string forward = folder_ / ".forward";
  const std::string next = folder_ / "next";
  int status = -1;
  while (::waitpid(child, &status, WNOHANG) == 0) {
    std::ofstream(next).flush();
    std::filesystem::rename(next, forward);
    ASSERT_EQ(::mkfifo(next.c_str(), 0600), 0);
    std::filesystem::rename(next, forward);
  }
  EXPECT_EQ(status, 0);
}

}  // namespace
