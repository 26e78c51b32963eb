// The client of postdrop, with shell scripts that play it.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <csignal>
#include <filesystem>
#include <fstream>

#include "client/postdrop_client.h"
#include "io/fiber.h"

namespace {

using namespace std::chrono_literals;
using client::PostdropClient;
using client::PostdropError;
using queue::RecordType;
using Why = PostdropError::Why;

const std::string kGreeting = "printf 'protocol\\0postdrop_protocol\\0queue_id\\0ABC\\0\\0'\n";
const std::string kDone = "printf 'status\\0000\\0reason\\0\\0\\0'\n";

class Postdrop : public ::testing::Test {
 protected:
  Postdrop() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    ::signal(SIGPIPE, SIG_IGN);
  }
  ~Postdrop() override { std::filesystem::remove_all(folder_); }

  PostdropClient::Options playing(const std::string& script, std::chrono::seconds patience = 20s) const {
    const std::string program = folder_ + "/postdrop";
    std::ofstream(program) << "#!/bin/sh\ncd " << folder_ << "\n" << script;
    ::chmod(program.c_str(), 0755);
    return {.program = program, .patience = patience, .interrupted = {}};
  }
  std::string taken() const {
    std::ifstream file(folder_ + "/taken");
    return {std::istreambuf_iterator<char>(file), {}};
  }
  static Why failure(const std::function<void()>& step) {
    try {
      step();
    } catch (const PostdropError& error) {
      return error.why();
    }
    ADD_FAILURE() << "nothing is wrong";
    return Why::gone;
  }

  std::string folder_ = "/tmp/postdrop_test_XXXXXX";
};

TEST_F(Postdrop, GetsRecordsAndEndsWell) {
  PostdropClient client(playing("test \"$*\" = -r || exit 1\n" + kGreeting + "head -c 10 >taken\n" + kDone));
  EXPECT_EQ(client.queue_id(), "ABC");
  EXPECT_TRUE(client.put(RecordType::sender, "a@b."));
  EXPECT_TRUE(client.put(RecordType::message, ""));
  EXPECT_EQ(client.finish().status, 0);
  EXPECT_EQ(taken(), std::string_view("S\4a@b.M\0E\0", 10));
}

TEST_F(Postdrop, WorksInAFiberToo) {
  const auto options = playing(kGreeting + "head -c 100000 >/dev/null\n" + kDone);
  int status = -1;
  io::Loop loop;
  loop.spawn("client", [&] {
    PostdropClient client(options);
    for (int i = 0; i < 2000; ++i) client.put(RecordType::text, std::string(100, 'x'));
    status = client.finish().status;
  });
  loop.run();
  EXPECT_EQ(status, 0);
}

TEST_F(Postdrop, AVerdictBeforeTheEndStopsTheRest) {
  PostdropClient client(playing(kGreeting + "exec <&-\nprintf 'status\\0004\\0reason\\0too much\\0\\0'\nexit 4\n"));
  bool wanted = true;
  for (int i = 0; i < 100'000 && wanted; ++i) wanted = client.put(RecordType::text, std::string(1000, 'x'));
  EXPECT_FALSE(wanted);
  const auto result = client.finish();
  EXPECT_EQ(result.status, client::cleanup_status::kSize);
  EXPECT_EQ(result.reason, "too much");
}

TEST_F(Postdrop, AVerdictMayComeWithTheGreeting) {
  PostdropClient client(
      playing("printf 'protocol\\0postdrop_protocol\\0queue_id\\0\\0\\0status\\0002\\0reason\\0\\0\\0'\n"
              "cat >/dev/null\nexit 2\n"));
  EXPECT_EQ(client.queue_id(), "");
  EXPECT_EQ(client.finish().status, client::cleanup_status::kWrite);
}

TEST_F(Postdrop, ABadEndAfterGoodWordsIsNoSuccess) {
  PostdropClient client(playing(kGreeting + "head -c 2 >/dev/null\n" + kDone + "exit 1\n"));
  EXPECT_EQ(client.finish().status, client::cleanup_status::kWrite);
}

TEST_F(Postdrop, ItsRefusalIsToldInItsWords) {
  const auto refusal = [&](const std::string& script) {
    return client::refusal_by_postdrop(playing(script)).value_or("none");
  };
  EXPECT_EQ(refusal(kGreeting + "cat >/dev/null\n"), "none");
  EXPECT_EQ(refusal("echo 'postdrop: warning: x' >&2\necho 'postdrop: fatal: go away' >&2\nexit 77\n"), "go away");
  EXPECT_EQ(refusal("echo 'postdrop: fatal: open x: No such file' >&2\nexit 1\n"), "open x: No such file");
  EXPECT_EQ(refusal("exit 1\n"), "queue file write error");
  EXPECT_EQ(failure([&] { refusal("printf 'protocol\\0showq\\0\\0'\n"); }), Why::malformed);
}

TEST_F(Postdrop, WhatIsWrongIsTold) {
  EXPECT_EQ(failure([] { PostdropClient({.program = "/nowhere/postdrop", .patience = 1s, .interrupted = {}}); }),
            Why::not_started);
  EXPECT_EQ(failure([&] { PostdropClient(playing("exit 77\n")); }), Why::not_allowed);
  EXPECT_EQ(failure([&] { PostdropClient(playing("exit 1\n")); }), Why::gone);
  EXPECT_EQ(failure([&] { PostdropClient(playing("printf 'protocol\\0showq\\0\\0'\n")); }), Why::malformed);
  EXPECT_EQ(failure([&] { PostdropClient(playing("head -c 100000 /dev/zero | tr '\\0' x\n")); }), Why::malformed);
  for (const char* const status : {"no number", "99999999999", "-1", ""}) {
    const std::string answer = fmt::format("head -c 2 >/dev/null\nprintf 'status\\0{}\\0\\0'\n", status);
    EXPECT_EQ(failure([&] { PostdropClient(playing(kGreeting + answer)).finish(); }), Why::malformed) << status;
  }
  EXPECT_EQ(failure([&] { PostdropClient(playing(kGreeting + "head -c 2 >/dev/null\n")).finish(); }), Why::gone);
}

TEST_F(Postdrop, PatienceAndInterruptsEndTheWaiting) {
  const std::string silence = "cat >/dev/null\n";
  EXPECT_EQ(failure([&] { PostdropClient(playing(silence, 0s)); }), Why::gone);
  auto options = playing(silence);
  options.interrupted = [] { return true; };
  EXPECT_EQ(failure([&] { PostdropClient(std::move(options)); }), Why::interrupted);
}

TEST_F(Postdrop, GivenUpItSeesTheEndOfItsInput) {
  {
    PostdropClient client(playing(kGreeting + "cat >taken\n"));
    EXPECT_TRUE(client.put(RecordType::sender, "a@b."));
  }
  EXPECT_EQ(taken(), "");
  EXPECT_TRUE(std::filesystem::exists(folder_ + "/taken"));
}

TEST_F(Postdrop, OneThatDoesNotEndIsLeftBehindAndItsVerdictDoesNotCount) {
  const std::string hangs = "echo $$ >pid\nexec sleep 600 >/dev/null 2>&1 </dev/null\n";
  const auto end = [&] {
    pid_t pid = -1;
    std::ifstream(folder_ + "/pid") >> pid;
    ASSERT_GT(pid, 1);
    EXPECT_EQ(::kill(pid, SIGKILL), 0) << "it went on";
    EXPECT_EQ(::waitpid(pid, nullptr, 0), pid);
  };
  {
    PostdropClient client(playing("echo $$ >pid\n" + kGreeting + hangs, 1s));
  }
  end();
  {
    PostdropClient client(playing(kGreeting + "head -c 2 >/dev/null\n" + kDone + hangs, 1s));
    EXPECT_EQ(client.finish().status, client::cleanup_status::kWrite);
  }
  end();
}

TEST_F(Postdrop, ChildrenAreNotIgnored) {
  ::signal(SIGCHLD, SIG_IGN);
  PostdropClient client(playing(kGreeting + "head -c 2 >/dev/null\n" + kDone));
  EXPECT_EQ(client.finish().status, 0);
}

}  // namespace
