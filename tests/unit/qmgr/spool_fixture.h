#pragma once
// A queue directory of its own, messages in it, and tables that say where mail goes.

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>

#include "logging/log.h"
#include "qmgr/flow.h"
#include "queue/message_writer.h"
#include "queue/status_log.h"

namespace qmgr {

// Fails the named step, once or always.
class FailingDisk final : public disk::Disk {
 public:
  std::map<std::string, int, std::less<>> errors;  // by step: errno
  std::vector<std::string> steps;                  // that were taken

  disk::Result<base::Fd> create(disk::Step step, const std::string& path, mode_t mode) override {
    return guarded(step, [&] { return real_.create(step, path, mode); });
  }
  disk::Result<base::Fd> open_append(disk::Step step, const std::string& path, mode_t mode) override {
    return guarded(step, [&] { return real_.open_append(step, path, mode); });
  }
  disk::Result<void> write(disk::Step step, int fd, std::string_view content) override {
    return guarded(step, [&] { return real_.write(step, fd, content); });
  }
  disk::Result<void> write_at(disk::Step step, int fd, std::string_view content, off_t offset) override {
    return guarded(step, [&] { return real_.write_at(step, fd, content, offset); });
  }
  disk::Result<void> truncate(disk::Step step, int fd, off_t size) override {
    return guarded(step, [&] { return real_.truncate(step, fd, size); });
  }
  disk::Result<void> sync(disk::Step step, int fd) override {
    return guarded(step, [&] { return real_.sync(step, fd); });
  }
  disk::Result<void> sync_directory(disk::Step step, const std::string& directory) override {
    return guarded(step, [&] { return real_.sync_directory(step, directory); });
  }
  disk::Result<void> close(disk::Step step, base::Fd fd) override {
    return guarded(step, [&] { return real_.close(step, std::move(fd)); });
  }
  disk::Result<void> rename(disk::Step step, const std::string& from, const std::string& to) override {
    return guarded(step, [&] { return real_.rename(step, from, to); });
  }
  disk::Result<void> link(disk::Step step, const std::string& from, const std::string& to) override {
    return guarded(step, [&] { return real_.link(step, from, to); });
  }
  disk::Result<void> unlink(disk::Step step, const std::string& path) override {
    return guarded(step, [&] { return real_.unlink(step, path); });
  }
  disk::Result<void> make_directory(disk::Step step, const std::string& path, mode_t mode) override {
    return guarded(step, [&] { return real_.make_directory(step, path, mode); });
  }
  disk::Result<void> remove_directory(disk::Step step, const std::string& path) override {
    return guarded(step, [&] { return real_.remove_directory(step, path); });
  }
  disk::Result<void> set_mode(disk::Step step, int fd, mode_t mode) override {
    return guarded(step, [&] { return real_.set_mode(step, fd, mode); });
  }
  disk::Result<void> set_mode(disk::Step step, const std::string& path, mode_t mode) override {
    return guarded(step, [&] { return real_.set_mode(step, path, mode); });
  }
  disk::Result<void> set_owner(disk::Step step, int fd, uid_t uid, gid_t gid) override {
    return guarded(step, [&] { return real_.set_owner(step, fd, uid, gid); });
  }
  disk::Result<void> set_times(disk::Step step, const std::string& path, std::time_t both) override {
    return guarded(step, [&] { return real_.set_times(step, path, both); });
  }
  disk::Result<void> set_times(disk::Step step, int fd, std::time_t both) override {
    return guarded(step, [&] { return real_.set_times(step, fd, both); });
  }

 private:
  template <typename Call>
  auto guarded(disk::Step step, Call&& call) -> decltype(call()) {
    steps.emplace_back(step);
    if (const auto found = errors.find(step); found != errors.end()) {
      return std::unexpected(disk::Error{found->second, base::with_errno(std::string(step), found->second)});
    }
    return call();
  }
  disk::Disk& real_ = disk::real();
};

// user@bad.example is no address, *@broken.example no answer, *@here.example local; all else goes out by smtp.
class FakeRoutes final : public Routes {
 public:
  std::expected<routing::Route, table::Error> find(routing::Router::Purpose purpose, std::string_view,
                                                   std::string_view recipient) override {
    routing::Route route;
    route.recipient = recipient;
    const std::string_view domain = recipient.substr(std::min(recipient.find('@') + 1, recipient.size()));
    if (domain == "broken.example") return std::unexpected(table::Error{"hash:/x: lookup error"});
    route.bad_address = domain == "bad.example";
    route.address_class = domain == "here.example" ? routing::AddressClass::local : routing::AddressClass::other;
    route.transport = domain == "here.example" ? "local" : domain == "later.example" ? "later" : "smtp";
    if (purpose == routing::Router::Purpose::verification) route.transport = "verifying";
    route.nexthop = domain;
    return route;
  }
};

class SpoolFixture : public testing::Test {
 protected:
  SpoolFixture() {
    std::string name = "/tmp/qmgr-test-XXXXXX";
    directory = ::mkdtemp(name.data());
    before = std::filesystem::current_path();
    std::filesystem::current_path(directory);
    for (const char* folder : {"maildrop", "hold", "incoming", "active", "deferred", "corrupt", "bounce", "defer",
                               "trace", "private", "public"}) {
      std::filesystem::create_directory(folder);
    }
  }
  ~SpoolFixture() override {
    flow.reset();
    std::filesystem::current_path(before);
    std::filesystem::remove_all(directory);
  }

  Flow& start(const std::string& main_cf = "") {
    config.emplace(*config::Config::from_text("fast_flush_domains =\nretry_jitter = 0\n" + main_cf));
    Flow::Parts parts{*config,
                      Settings::from(*config),
                      capacities,
                      delivery::OutcomeSettings::from(*config),
                      queue::SpoolSettings::from(*config),
                      std::make_unique<FakeRoutes>(),
                      disk};
    flow = std::make_unique<Flow>(std::move(parts));
    return *flow;
  }

  struct Mail {
    std::string sender = "s@sender.example";
    std::vector<std::string> recipients = {"u@x.example"};
    std::string more = {};  // encoded records before the recipients
    std::time_t age = 0;
  };
  queue::Id write(const Mail& mail, queue::Folder folder = queue::Folder::incoming) {
    using queue::RecordType;
    auto writer = queue::MessageWriter::create(spool, folder);
    const std::time_t created = ::time(nullptr) - mail.age;
    queue::Sizes sizes;
    EXPECT_TRUE(writer->append(RecordType::size, sizes.text()));
    EXPECT_TRUE(writer->append(RecordType::time, fmt::format("{} 0", created)));
    EXPECT_TRUE(writer->append(RecordType::attribute, fmt::format("create_time={}", created)));
    EXPECT_TRUE(writer->append(RecordType::sender, mail.sender));
    if (!mail.more.empty()) {
      EXPECT_TRUE(writer->append_encoded(mail.more));
    }
    for (const std::string& recipient : mail.recipients) {
      EXPECT_TRUE(writer->append(RecordType::original_recipient, recipient));
      EXPECT_TRUE(writer->append(RecordType::recipient, recipient));
      ++sizes.recipients;
    }
    EXPECT_TRUE(writer->append(RecordType::message, ""));
    sizes.data_offset = writer->size();
    EXPECT_TRUE(writer->append(RecordType::text, "Subject: x"));
    sizes.message = sizes.content = writer->size() - sizes.data_offset;
    EXPECT_TRUE(writer->append(RecordType::extracted, ""));
    EXPECT_TRUE(writer->append(RecordType::end, ""));
    EXPECT_TRUE(writer->overwrite(2, sizes.text()));
    EXPECT_TRUE(writer->commit());
    return writer->id();
  }
  std::string path(const queue::Id& id, queue::Folder folder) const { return spool.path(folder, id); }
  bool is_in(const queue::Id& id, queue::Folder folder) const { return std::filesystem::exists(path(id, folder)); }
  std::time_t time_of(const queue::Id& id, queue::Folder folder) const {
    struct stat status{};
    EXPECT_EQ(::stat(path(id, folder).c_str(), &status), 0);
    return status.st_mtime;
  }
  std::string reason(const queue::Id& id, queue::Folder folder = queue::Folder::defer) const {
    const auto entries = queue::read_status(spool, folder, id);
    return entries && *entries && !(*entries)->empty() ? (**entries)[0].status + " " + (**entries)[0].reason : "";
  }
  Flow::Taken take(const queue::Id& id, queue::Folder folder = queue::Folder::incoming) {
    return flow->take_in({id, folder});
  }

  std::filesystem::path directory, before;
  FailingDisk disk;
  Capacities capacities;
  queue::Spool spool{queue::SpoolSettings()};
  std::optional<config::Config> config;
  std::unique_ptr<Flow> flow;
  logging::Capture log;
};

}  // namespace qmgr
