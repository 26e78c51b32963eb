#include "postqueue/listing.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <ctime>

#include "base/error.h"
#include "ipc/attributes.h"
#include "logging/log.h"

namespace {

using namespace std::string_literals;

const std::string kGreeting = ipc::encode_attributes({{"protocol", "mail_queue_list_protocol"}});

struct Told {
  std::string address;
  std::string reason;
};

std::string message(const std::string& queue, const std::string& id, const std::string& size, bool expired,
                    const std::vector<Told>& recipients) {
  ipc::Attributes list = {{"queue_name", queue},
                          {"queue_id", id},
                          {"time", "1795258613"},
                          {"size", size},
                          {"forced_expire", expired ? "1" : "0"},
                          {"sender", "s@example.com"}};
  for (const Told& each : recipients) {
    list.emplace_back("recipient", each.address);
    list.emplace_back("reason", each.reason);
  }
  return ipc::encode_attributes(list);
}

class Listing : public ::testing::Test {
 protected:
  Listing() {
    ::setenv("TZ", "UTC", 1);
    ::tzset();
  }
  // In pieces of this size.
  std::string shown(postqueue::Printer& printer, const std::string& bytes, std::size_t piece = 7) {
    output_.clear();
    postqueue::Reader reader(printer);
    for (std::size_t start = 0; start < bytes.size(); start += piece) {
      reader.feed(std::string_view(bytes).substr(start, piece));
    }
    finished_ = reader.finished();
    return output_;
  }
  std::string text(const std::string& bytes, bool long_ids = false) {
    postqueue::TextPrinter printer(write_, long_ids);
    return shown(printer, kGreeting + bytes + '\0');
  }
  std::string json(const std::string& bytes) {
    postqueue::JsonPrinter printer(write_);
    return shown(printer, kGreeting + bytes + '\0');
  }

  std::string output_;
  std::function<void(std::string_view)> write_ = [this](std::string_view part) { output_ += part; };
  bool finished_ = false;
  logging::Capture log_;
};

TEST_F(Listing, OfNothing) {
  EXPECT_EQ(text(""), "Mail queue is empty\n");
  EXPECT_TRUE(finished_);
  EXPECT_EQ(json(""), "");
}

TEST_F(Listing, HasPostfixsColumns) {
  EXPECT_EQ(text(message("hold", "F3301A78036", "366", true, {{"one@remote.test", "deferred transport"}})),
            "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
            "F3301A78036!#     366 Sat Nov 21 10:56:53  s@example.com\n"
            "                                                          (deferred transport)\n"
            "                                         one@remote.test\n"
            "\n"
            "-- 0 Kbytes in 1 Request.\n");
}

TEST_F(Listing, IsWiderWithLongIds) {
  EXPECT_EQ(text(message("active", "4jWq6j0v74zXyZ", "2048", false, {{"r@x", ""}}), true),
            "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
            "4jWq6j0v74zXyZ*       2048 Sat Nov 21 10:56:53 s@example.com\n"
            "                                               r@x\n"
            "\n"
            "-- 2 Kbytes in 1 Request.\n");
}

TEST_F(Listing, TellsAReasonOnceForThoseThatShareIt) {
  const std::string shown =
      text(message("deferred", "A", "1", false, {{"a", "x"}, {"b", "x"}, {"c", ""}, {"d", ""}, {"e", "x"}}));
  EXPECT_EQ(shown.substr(shown.find(".com\n") + 5),
            std::string(75, ' ') + "(x)\n" + std::string(41, ' ') + "a\n" + std::string(41, ' ') + "b\n" +
                std::string(58, ' ') + "(reason unavailable)\n" + std::string(41, ' ') + "c\n" + std::string(41, ' ') +
                "d\n" + std::string(75, ' ') + "(x)\n" + std::string(41, ' ') + "e\n\n-- 0 Kbytes in 1 Request.\n");
}

TEST_F(Listing, ALongReasonIsNotCut) {
  const std::string reason(100, 'r');
  EXPECT_TRUE(text(message("deferred", "A", "1", false, {{"a", reason}})).contains("\n(" + reason + ")\n"));
}

TEST_F(Listing, AnEmptyLineStandsBetweenMessages) {
  const std::string one = message("deferred", "A", "1000", false, {});
  EXPECT_TRUE(
      text(one + one).ends_with("s@example.com\n\nA              1000 Sat Nov 21 10:56:53  s@example.com\n"
                                "\n-- 1 Kbytes in 2 Requests.\n"));
}

TEST_F(Listing, IsAnObjectALineInJson) {
  EXPECT_EQ(json(message("deferred", "A", "405", false, {{"a@x", "why \"so\""}, {"b@x", ""}})),
            R"({"queue_name": "deferred", "queue_id": "A", "arrival_time": 1795258613, "message_size": 405, )"
            R"("forced_expire": false, "sender": "s@example.com", "recipients": [{"address": "a@x", )"
            R"("delay_reason": "why \"so\""}, {"address": "b@x"}]})"
            "\n");
}

TEST_F(Listing, TellsWhatOurOwnShowqKnowsBesides) {
  std::string list = message("deferred", "A", "405", false, {{"a@x", "unknown user"}});
  list.pop_back();
  ipc::append_attribute(list, "original_recipient", "o@x");
  ipc::append_attribute(list, "bounced", "1");
  list += '\0';
  EXPECT_TRUE(json(list).contains(R"([{"orig_address": "o@x", "address": "a@x", "bounce_reason": "unknown user"}])"));
}

TEST_F(Listing, ControlBytesAreMasked) {
  const std::string shown = text(message("deferred", "A\033[2J", "1", false, {{"a\tb\xff", "c\nd"}}));
  EXPECT_TRUE(shown.contains("A?[2J") && shown.contains("a?b?") && shown.contains("(c?d)")) << shown;
  EXPECT_TRUE(json(message("deferred", "A", "1", false, {{"\xc3\xbc\x7f\\", ""}})).contains("\"\xc3\xbc?\\\\\""));
}

TEST_F(Listing, NeedsTheRightProtocol) {
  postqueue::JsonPrinter printer(write_);
  EXPECT_THROW(shown(printer, ipc::encode_attributes({{"protocol", "flush_protocol"}})), base::Fatal);
  EXPECT_TRUE(log_.contains("unexpected protocol flush_protocol from public/showq socket"));
  EXPECT_THROW(shown(printer, "\0"s), base::Fatal);
}

TEST_F(Listing, IncompleteMessagesAreMalformed) {
  EXPECT_THROW(json(ipc::encode_attributes({{"queue_name", "active"}})), base::Fatal);
  EXPECT_THROW(json(ipc::encode_attributes({{"recipient", "a"}})), base::Fatal);
  EXPECT_THROW(json(message("deferred", "A", "many", false, {})), base::Fatal);
}

TEST_F(Listing, WithoutItsEndIsNotFinished) {
  postqueue::JsonPrinter printer(write_);
  (void)shown(printer, kGreeting + message("deferred", "A", "1", false, {}));
  EXPECT_FALSE(finished_);
}

TEST_F(Listing, AnEndlessWordIsNotGathered) {
  postqueue::JsonPrinter printer(write_);
  EXPECT_THROW(shown(printer, kGreeting + std::string(3'000'000, 'x'), 65536), base::Fatal);
}

}  // namespace
