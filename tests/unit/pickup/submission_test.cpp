#include "pickup/submission.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "client/cleanup_client.h"
#include "pickup/server.h"

using Records = std::vector<std::string>;

namespace {

constexpr std::time_t kNow = 1795258988;

std::string encoded(const Records& records) {
  std::string bytes;
  for (const std::string& record : records)
    queue::append_record(bytes, static_cast<queue::RecordType>(record[0]),
                         record.size() > 2 ? std::string_view(record).substr(2) : std::string_view());
  return bytes;
}

class Maildrop : public ::testing::Test {
 protected:
  Maildrop() {
    char name[] = "/tmp/pickup-test.XXXXXX";
    if (::mkdtemp(name) != nullptr) folder_ = name;
  }
  ~Maildrop() override { std::filesystem::remove_all(folder_); }

  std::string put(const std::string& bytes, mode_t mode = 0744) {
    const std::string path = folder_ + "/ABC123";
    std::filesystem::remove(path);
    std::ofstream(path, std::ios::binary) << bytes;
    ::chmod(path.c_str(), mode);
    return path;
  }
  auto open(const std::string& path, uid_t mail_owner = ::geteuid()) {
    return pickup::open_maildrop_file(path, *queue::Id::parse("ABC123"), mail_owner);
  }
  // What cleanup gets; empty, with the reason in problem_, when the file is no message.
  Records copied(const Records& records, mode_t mode = 0744) { return copied_bytes(encoded(records), mode); }
  Records copied_bytes(const std::string& bytes, mode_t mode = 0744) {
    Records found;
    auto file = open(put(bytes, mode));
    if (!file || !*file) {
      ADD_FAILURE() << "not opened";
      return found;
    }
    (*file)->uid = 1000;
    problem_.clear();
    const auto result = pickup::copy_submission(
        **file, settings_, "9F850A78B12", kNow, kNow,
        [&](queue::RecordType type, std::string_view data) {
          std::string line(1, static_cast<char>(type));
          if (!data.empty()) line += ' ' + std::string(data);
          found.push_back(line);
        },
        [&](const pickup::Submitter& submitter) { submitter_ = submitter; });
    if (result) return found;
    problem_ = result.error().text;
    return {};
  }
  static Records message(const Records& envelope, const Records& content, const Records& extracted = {}) {
    Records all{"T 1795258988 5"};
    for (const Records* part : {&envelope, &content, &extracted}) {
      all.insert(all.end(), part->begin(), part->end());
      all.emplace_back(part == &envelope ? "M" : part == &content ? "X" : "E");
    }
    return all;
  }

  std::string folder_;
  pickup::SubmissionSettings settings_{.content_filter = "", .myhostname = "mx.fmt.test", .mail_name = "Postfix"};
  pickup::Submitter submitter_;
  std::string problem_;
};

}  // namespace

TEST_F(Maildrop, FilesGetAReceivedHeader) {
  EXPECT_EQ(copied(message({"S s@x", "R r"}, {"N Subject: x", "N"})),
            (Records{"T 1795258988 5", "S s@x", "R r", "M", "N Received: by mx.fmt.test (Postfix, from userid 1000)",
                     "N \tid 9F850A78B12; Sat, 21 Nov 2026 11:03:08 +0000 (UTC)", "N Subject: x", "N", "X", "E"}));
  EXPECT_EQ(submitter_.sender, "s@x");
}
TEST_F(Maildrop, AFirstLineWithABlankDoesNotContinueIt) {
  EXPECT_EQ(copied(message({"S s", "R r"}, {"N  x"})).at(6), "N");
}
TEST_F(Maildrop, TheContentFilterStandsFirst) {
  settings_.content_filter = "scan:x";
  EXPECT_EQ(copied(message({"L old:filter", "S s", "R r"}, {})).at(0), "L scan:x");
  EXPECT_EQ(std::ranges::count(copied(message({"L old:filter", "S s", "R r"}, {})), "L old:filter"), 0);
}
TEST_F(Maildrop, AFileWithoutTimeGetsTheTimeOfNow) {
  EXPECT_EQ(copied({"S s", "R r", "M", "X", "E"}).at(0), "T 1795258988");
}
TEST_F(Maildrop, WhatCleanupFindsOutAnewIsLeftOut) {
  const Records found = copied(
      message({"S s", "R r"}, {},
              {"A encoding=8bit", "A foo=bar", "L a:b", "> x@y", "r", "e", "A notify_flags=2", "O o", "R r2", "K k"}));
  EXPECT_EQ(Records(found.end() - 6, found.end()), (Records{"X", "A notify_flags=2", "O o", "R r2", "K k", "E"}));
}
TEST_F(Maildrop, WhatFollowsTheEndIsIgnored) {
  EXPECT_EQ(copied_bytes(encoded(message({"S s", "R r"}, {})) + "junk").back(), "E");
}
TEST_F(Maildrop, FilesThatAreNoMessageAreRefused) {
  const Records good = message({"S s", "R r"}, {"N x"});
  for (const Records& bad : {message({"S s", "Z"}, {}), message({"S s", "f 4"}, {}), message({"S s"}, {"R x"}),
                             message({}, {}, {"S s"}), Records(good.begin(), good.end() - 1), Records{}}) {
    EXPECT_TRUE(copied(bad).empty());
    EXPECT_NE(problem_, "");
  }
  EXPECT_TRUE(copied_bytes(std::string(100, '\xFF')).empty());
  EXPECT_TRUE(copied_bytes(encoded(good).substr(0, encoded(good).size() - 6)).empty());
}
TEST_F(Maildrop, RefusalsNameTheUser) {
  copied(message({"S s", "Z"}, {}));
  EXPECT_EQ(problem_, "uid=1000: unexpected or malformed record type 90");
}
TEST_F(Maildrop, UsersMayNotWriteLongRecordsOrPointers) {
  EXPECT_TRUE(copied(message({"S s", "R r"}, {"N " + std::string(3000, 'x')})).empty());
  EXPECT_TRUE(copied(message({"S s", "p               5", "R r"}, {})).empty());
  EXPECT_FALSE(copied(message({"S s", "p               0", "R r"}, {})).empty());
  EXPECT_FALSE(copied(message({"S " + std::string(3000, 's'), "R r"}, {}), 0700).empty());
}

TEST_F(Maildrop, FilesAreTakenWhenTheyAreReady) {
  EXPECT_TRUE(*open(put("x", 0744)));
  EXPECT_FALSE(*open(put("x", 0644)));
  EXPECT_FALSE(*open(folder_ + "/nothing"));
}
TEST_F(Maildrop, OurOwnFilesThatOthersCannotReadAreRequeued) {
  EXPECT_TRUE((*open(put("x", 0700)))->requeued);
  EXPECT_FALSE((*open(put("x", 0744)))->requeued);
  EXPECT_FALSE((*open(put("x", 0700), ::geteuid() + 1))->requeued);
}
TEST_F(Maildrop, LinksAndOtherThingsAreNotTaken) {
  const std::string path = put("x");
  std::filesystem::create_hard_link(path, folder_ + "/other");
  EXPECT_TRUE(open(path).error().text.contains("file has 2 hard links"));
  std::filesystem::create_symlink("/etc/passwd", folder_ + "/link");
  EXPECT_TRUE(open(folder_ + "/link").error().text.contains("not a regular file"));
  ASSERT_EQ(::mkfifo((folder_ + "/fifo").c_str(), 0744), 0);
  EXPECT_TRUE(open(folder_ + "/fifo").error().text.contains("not a regular file"));
  EXPECT_FALSE(open(folder_));
}

TEST(MaildropDate, IsThatOfTheFile) {
  EXPECT_EQ(pickup::date_of(kNow - 100, kNow).time, kNow - 100);
  EXPECT_EQ(pickup::date_of(kNow + 100, kNow).time, kNow + 100);
  EXPECT_EQ(pickup::date_of(kNow + 100, kNow).remark, "");
}
TEST(MaildropDate, IsNotFarInTheFuture) {
  EXPECT_EQ(pickup::date_of(kNow + 86400, kNow).time, kNow);
  EXPECT_EQ(pickup::date_of(kNow + 86400, kNow).remark, "message dated 86400 seconds into the future");
}
TEST(MaildropDate, ThatIsOldIsRemarkedUpon) {
  EXPECT_EQ(pickup::date_of(kNow - 3 * 86400, kNow).time, kNow - 3 * 86400);
  EXPECT_EQ(pickup::date_of(kNow - 3 * 86400, kNow).remark, "message has been queued for 3 days");
}

TEST(PickupFlags, AreThoseOfPostfix) {
  EXPECT_EQ(pickup::cleanup_flags("", "sendmail, verify"), 627);
  EXPECT_EQ(pickup::cleanup_flags("no_address_mappings", "all"), 579);
  EXPECT_EQ(pickup::cleanup_flags("no_header_body_checks", "sendmail"), 625);
  EXPECT_EQ(pickup::cleanup_flags("no_milters, no_unknown_recipient_checks", "sendmail"), 563);
  EXPECT_EQ(pickup::cleanup_flags("", "verify"), 115);
  EXPECT_THROW(pickup::cleanup_flags("no_such_thing", ""), base::Fatal);
  EXPECT_THROW(pickup::cleanup_flags("", "sendmail, none"), base::Fatal);
}
