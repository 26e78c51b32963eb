#include "virtual/mailboxes.h"

#include <unistd.h>

#include "lib/delivery_world.h"
#include "lib/disks.h"
#include "logging/log.h"
#include "virtual/server.h"

namespace {

using tests::DeliveryWorld;
using tests::FailingDisk;
using tests::SpoolFolder;
using virtual_agent::Mailboxes;
using virtual_agent::problem_of_path;

TEST(VirtualPath, StaysBelowItsBase) {
  for (const char* path : {"jane", "jane/", "example.test/jane/", "a/..b/c", "/jane"}) {
    EXPECT_EQ(problem_of_path(path), "") << path;
  }
  for (const char* path : {"", "..", "../x", "a/../b", "a/..", "a/../", "/", ".", "./", "//", "...", "a\nb", "a\x7f"}) {
    EXPECT_NE(problem_of_path(path), "") << path;
  }
  EXPECT_NE(problem_of_path(std::string(5000, 'a')), "");
  EXPECT_NE(problem_of_path(std::string_view("a\0b", 3)), "");
}

class VirtualMailboxes : public testing::Test {
 protected:
  std::expected<std::optional<virtual_agent::Mailbox>, delivery::Status> find(std::string_view address,
                                                                              const std::string& uids = "static:1000",
                                                                              const std::string& gids = "static:1000") {
    const config::Config config = tests::config_of(
        "recipient_delimiter = +\nvirtual_mailbox_base = /var/vmail\n"
        "virtual_mailbox_maps = inline:{{jane@x.example=jane/}, {jane+big@x.example=big}, {@y.example=all}}\n"
        "virtual_uid_maps = " +
        uids + "\nvirtual_gid_maps = " + gids + "\n");
    return Mailboxes(config).find(address);
  }
  logging::Capture log_;
};

TEST_F(VirtualMailboxes, AreFoundByTheWholeAddress) {
  const std::pair<const char*, const char*> cases[] = {{"jane@x.example", "/var/vmail/jane/"},
                                                       {"JANE@X.example", "/var/vmail/jane/"},
                                                       {"jane+other@x.example", "/var/vmail/jane/"},
                                                       {"jane+big@x.example", "/var/vmail/big"},
                                                       {"whoever@y.example", "/var/vmail/all"}};
  for (const auto& [address, path] : cases) {
    const auto mailbox = find(address);
    ASSERT_TRUE(mailbox && *mailbox) << address;
    EXPECT_EQ((*mailbox)->path, path);
    EXPECT_EQ((*mailbox)->owner, (delivery::Ids{1000, 1000}));
  }
}

TEST_F(VirtualMailboxes, UnknownIsNoError) {
  const auto mailbox = find("joe@x.example");
  ASSERT_TRUE(mailbox);
  EXPECT_FALSE(*mailbox);
}

TEST_F(VirtualMailboxes, BadIdsLetMailWait) {
  for (const char* uid : {"static:99", "static:0", "static:-1", "static:jane", "static:1000x", "static:4294967295",
                          "static:99999999999999999999", "", "inline:{other=1000}", "hash:/nonexistent/table"}) {
    const auto mailbox = find("jane@x.example", uid);
    ASSERT_FALSE(mailbox) << uid;
    EXPECT_EQ(mailbox.error().code, "4.3.5");
  }
  for (const char* gid : {"static:0", "static:x", ""}) EXPECT_FALSE(find("jane@x.example", "static:1000", gid)) << gid;
  EXPECT_TRUE(log_.contains("recipient jane@x.example: bad uid 99 in virtual_uid_maps"));
}

TEST_F(VirtualMailboxes, TheProxyIsLeftOut) {
  EXPECT_TRUE(find("jane@x.example", "proxy:static:1000"));
}

TEST_F(VirtualMailboxes, PatternsPutNothingOfTheAddressIntoResults) {
  EXPECT_FALSE(find("jane@x.example", "regexp:{{/^(.*)@/ $1}}"));
}

TEST(VirtualServer, NeedsABase) {
  for (const char* base : {"", "relative"}) {
    const config::Config config = tests::config_of(std::string("virtual_mailbox_base = ") + base + "\n");
    EXPECT_THROW((void)Mailboxes(config), config::BadValue) << base;
  }
}

TEST(VirtualServer, MarksAfterTheMailboxIsDurable) {
  DeliveryWorld world({"jane@x.example"});
  const std::string me = std::to_string(std::max<unsigned>(::geteuid(), 1));
  std::filesystem::create_directory("vmail");
  std::filesystem::permissions("vmail", std::filesystem::perms::all);
  std::filesystem::permissions(".", std::filesystem::perms::all);
  const config::Config config =
      tests::config_of("hash_queue_names = corrupt\nvirtual_minimum_uid = 1\nvirtual_mailbox_base = " +
                       (world.folder.path() / "vmail").string() +
                       "\nvirtual_mailbox_maps = static:jane/\nvirtual_uid_maps = static:" + me +
                       "\nvirtual_gid_maps = static:" + std::to_string(std::max<unsigned>(::getegid(), 1)) + "\n");
  const service::Context context{.config = config, .program = "virtual", .service_name = "virtual", .arguments = {}};
  FailingDisk disk;
  const logging::Capture log;
  EXPECT_FALSE(virtual_agent::Server(context, disk).answer(world.request).some_deferred);
  EXPECT_EQ(world.mark(), 'D');
  EXPECT_EQ(disk.taken().back(), "queue.mark.done");
  EXPECT_EQ(*(disk.taken().end() - 2), "maildir.sync_new");
  EXPECT_TRUE(log.contains("relay=virtual, delay="));
}

}  // namespace
