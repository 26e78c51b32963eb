#include "showq/message_writer.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "base/fd.h"
#include "logging/log.h"
#include "queue/message.h"
#include "queue/record.h"

namespace {

using queue::Folder;
using queue::RecordType;

class ShowqMessage : public ::testing::Test {
 protected:
  ShowqMessage() {
    EXPECT_NE(::mkdtemp(folder_.data()), nullptr);
    before_ = std::filesystem::current_path();
    std::filesystem::current_path(folder_);
    for (const char* name : {"deferred/A", "defer/A", "bounce", "maildrop", "active"}) {
      std::filesystem::create_directories(name);
    }
  }
  ~ShowqMessage() override {
    std::filesystem::current_path(before_);
    std::filesystem::remove_all(folder_);
  }

  struct Record {
    RecordType type;
    std::string data;
  };
  void put(const std::string& path, const std::vector<Record>& envelope, const std::vector<Record>& extracted = {},
           std::int64_t recipients = 1) {
    std::string head;
    for (const Record& each : envelope) queue::append_record(head, each.type, each.data);
    queue::append_record(head, RecordType::message, "");
    std::string content;
    for (int i = 0; i < 100; ++i) queue::append_record(content, RecordType::text, std::string(100, 'x'));
    const queue::Sizes sizes{.message = std::ssize(content),
                             .data_offset = static_cast<std::int64_t>(queue::encoded_size(95) + head.size()),
                             .recipients = recipients,
                             .content = std::ssize(content)};
    std::string file;
    if (!path.starts_with("maildrop")) queue::append_record(file, RecordType::size, sizes.text());
    file += head + content;
    queue::append_record(file, RecordType::extracted, "");
    for (const Record& each : extracted) queue::append_record(file, each.type, each.data);
    queue::append_record(file, RecordType::end, "");
    write(path, file, 0700);
  }
  static void write(const std::string& path, const std::string& content, mode_t mode) {
    std::ofstream(path) << content;
    EXPECT_EQ(::chmod(path.c_str(), mode), 0);
  }
  std::string shown(const std::string& path, Folder folder = Folder::deferred) {
    std::string text;
    const showq::Style style{form_, "MAILER-DAEMON", true};
    showq::MessageWriter writer(spool_, style, text, [] {});
    writer.write(folder, *queue::Id::parse(path.substr(path.rfind('/') + 1)), path);
    for (char& c : text) c = c == '\0' ? '|' : c;
    return text;
  }

  std::string folder_ = "/tmp/showq_test_XXXXXX";
  std::filesystem::path before_;
  queue::Spool spool_{queue::SpoolSettings()};
  showq::Form form_ = showq::Form::classic;
  logging::Capture log_;
  const std::vector<Record> start_ = {{RecordType::time, "1795258613 12"}, {RecordType::sender, "s@x"}};
  std::vector<Record> with(std::vector<Record> more) const {
    more.insert(more.begin(), start_.begin(), start_.end());
    return more;
  }
};

constexpr const char* kHead = "queue_name|deferred|queue_id|A1|time|1795258613|size|10200|forced_expire|0|sender|s@x|";

TEST_F(ShowqMessage, SaysWhatItIs) {
  put("deferred/A/A1", with({{RecordType::recipient, "r@x"}}));
  EXPECT_EQ(shown("deferred/A/A1"), kHead + std::string("recipient|r@x|reason|||"));
}

TEST_F(ShowqMessage, ReasonsComeFirstAndNobodyTwice) {
  put("deferred/A/A1",
      with({{RecordType::recipient, "a@x"}, {RecordType::done, "b@x"}, {RecordType::recipient, "c@x"}}), {}, 3);
  write("defer/A/A1", "\nrecipient=c@x\nreason=why\n\n", 0600);
  EXPECT_EQ(shown("deferred/A/A1"), kHead + std::string("recipient|c@x|reason|why|recipient|a@x|reason|||"));
}

TEST_F(ShowqMessage, WhatWasRequeuedKeepsItsReasons) {
  put("maildrop/A1", with({{RecordType::recipient, "c@x"}}));
  write("defer/A/A1", "\nrecipient=c@x\nreason=why\n\n", 0600);
  EXPECT_NE(shown("maildrop/A1", Folder::maildrop).find("|sender|s@x|recipient|c@x|reason|why|"), std::string::npos);
}

TEST_F(ShowqMessage, RecipientsFromHeadersAreFoundBehindTheContent) {
  put("deferred/A/A1", start_, {{RecordType::recipient, "a@x"}, {RecordType::recipient, "b@x"}}, 2);
  EXPECT_EQ(shown("deferred/A/A1"), kHead + std::string("recipient|a@x|reason||recipient|b@x|reason|||"));
}

TEST_F(ShowqMessage, DetailsAreForWhoAsksForThem) {
  form_ = showq::Form::detailed;
  put("deferred/A/A1", with({{RecordType::original_recipient, "o@x"}, {RecordType::recipient, "r@x"}}));
  write("bounce/A1", "\nrecipient=b@x\noriginal_recipient=ob@x\nreason=no\n\n", 0600);
  EXPECT_EQ(shown("deferred/A/A1"), kHead + std::string("recipient|b@x|reason|no|original_recipient|ob@x|bounced|1|"
                                                        "recipient|r@x|reason||original_recipient|o@x||"));
}

TEST_F(ShowqMessage, FilesThatAreNotReadyAreNotThere) {
  put("deferred/A/A1", with({{RecordType::recipient, "r@x"}}));
  for (const mode_t mode : {0600u, 0400u}) {
    EXPECT_EQ(::chmod("deferred/A/A1", mode), 0);
    EXPECT_EQ(shown("deferred/A/A1"), "");
  }
  EXPECT_EQ(shown("deferred/A/A2"), "");
}

TEST_F(ShowqMessage, AForcedExpirationShows) {
  put("deferred/A/A1", with({{RecordType::recipient, "r@x"}}));
  EXPECT_EQ(::chmod("deferred/A/A1", 0710), 0);
  EXPECT_TRUE(shown("deferred/A/A1").contains("|forced_expire|1|"));
}

TEST_F(ShowqMessage, TheNullSenderHasAName) {
  put("deferred/A/A1", {{RecordType::sender, ""}, {RecordType::recipient, ""}});
  EXPECT_TRUE(shown("deferred/A/A1").ends_with("|sender|MAILER-DAEMON|recipient|MAILER-DAEMON|reason|||"));
}

TEST_F(ShowqMessage, DamageEndsAMessageAndNothingElse) {
  put("deferred/A/A1", with({{RecordType::recipient, "r@x"}}), {}, 5);
  std::ifstream file("deferred/A/A1");
  const std::string whole{std::istreambuf_iterator<char>(file), {}};
  for (std::size_t size = 0; size < 200; ++size) {
    write("deferred/A/A1", whole.substr(0, size), 0700);
    const std::string text = shown("deferred/A/A1");
    EXPECT_TRUE(text.empty() || text.ends_with("||")) << size;
  }
}

TEST_F(ShowqMessage, ASizeThatPointsBackIsNotFollowed) {
  std::string file;
  queue::append_record(file, RecordType::size, queue::Sizes{.message = 1, .data_offset = 0, .recipients = 9}.text());
  queue::append_record(file, RecordType::sender, "s@x");
  queue::append_record(file, RecordType::message, "");
  write("deferred/A/A1", file, 0700);
  EXPECT_TRUE(shown("deferred/A/A1").ends_with("|sender|s@x||"));
}

TEST_F(ShowqMessage, LinksAndPipesAreNoMessages) {
  put("active/A1", with({{RecordType::recipient, "r@x"}}));
  std::filesystem::create_symlink("../../active/A1", "deferred/A/A1");
  EXPECT_EQ(shown("deferred/A/A1"), "");
  ASSERT_EQ(::mkfifo("deferred/A/A2", 0700), 0);
  EXPECT_EQ(shown("deferred/A/A2"), "");
}

}  // namespace
