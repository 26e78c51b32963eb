#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "flush/flush.h"
#include "logging/log.h"

namespace {

using client::FlushStatus;
using Action = client::FlushRequest::Action;

class FlushLogs : public ::testing::Test {
 protected:
  FlushLogs() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    for (const char* name : {"deferred/A", "incoming", "flush", "public"}) std::filesystem::create_directories(name);
    logs_.emplace(*config::Config::from_text("fast_flush_domains = example.com\nfast_flush_purge_time = 1h\n"), spool_);
  }
  ~FlushLogs() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }
  FlushStatus ask(Action action, const std::string& site, const std::string& id = "") {
    return logs_->serve({action, site, id});
  }
  static void put(const std::string& path, mode_t mode = 0700) {
    std::ofstream(path) << "x";
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  }
  static std::string content(const std::string& path) {
    std::ifstream file(path);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  std::string folder_ = "/tmp/flush_test_XXXXXX";
  std::filesystem::path before_;
  queue::Spool spool_{queue::SpoolSettings()};
  std::optional<flush::Logs> logs_;
  logging::Capture log_;
};

TEST_F(FlushLogs, AnIdIsAddedToItsSitesLog) {
  EXPECT_EQ(ask(Action::add, "example.com", "A1"), FlushStatus::ok);
  EXPECT_EQ(ask(Action::add, "example.com", "A2"), FlushStatus::ok);
  EXPECT_EQ(content("flush/example_com"), "A1\nA2\n");
}

TEST_F(FlushLogs, OnlyForListedSites) {
  EXPECT_EQ(ask(Action::add, "example.net", "A1"), FlushStatus::not_configured);
  EXPECT_EQ(ask(Action::send_site, "example.net"), FlushStatus::not_configured);
}

TEST_F(FlushLogs, OnlyReadyMessagesAreSent) {
  put("deferred/A/A1");
  put("deferred/A/A2", 0600);
  for (const char* id : {"A1", "A2", "A3"}) (void)ask(Action::add, "example.com", id);
  EXPECT_EQ(ask(Action::send_site, "example.com"), FlushStatus::ok);
  EXPECT_TRUE(std::filesystem::exists("incoming/A1"));
  EXPECT_TRUE(std::filesystem::exists("deferred/A/A2"));
  EXPECT_EQ(content("flush/example_com"), "");
}

TEST_F(FlushLogs, OneMessageForgetsDeadDestinations) {
  put("deferred/A/A1", 0710);
  EXPECT_EQ(ask(Action::send_file, "", "A1"), FlushStatus::ok);
  struct stat status{};
  ASSERT_EQ(::stat("incoming/A1", &status), 0);
  EXPECT_EQ(status.st_mode & 0777u, 0750u);
}

TEST_F(FlushLogs, ATableThatCannotBeReadIsAFailure) {
  logs_.emplace(*config::Config::from_text("fast_flush_domains = hash:/nowhere/x\n"), spool_);
  EXPECT_EQ(ask(Action::add, "example.com", "A1"), FlushStatus::failed);
  EXPECT_TRUE(log_.contains("fast_flush_domains"));
}

TEST_F(FlushLogs, PurgeSendsAllAndKeepsEmptyLogsForAWhile) {
  put("deferred/A/A1");
  (void)ask(Action::add, "example.com", "A1");
  EXPECT_EQ(ask(Action::purge, ""), FlushStatus::ok);
  EXPECT_TRUE(std::filesystem::exists("incoming/A1"));
  EXPECT_TRUE(std::filesystem::exists("flush/example_com"));
}

}  // namespace
