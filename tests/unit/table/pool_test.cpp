#include "table/pool.h"

#include <gtest/gtest.h>

#include "logging/log.h"
#include "table/list.h"
#include "table/match_list.h"

namespace table {
namespace {

Settings with_pool() {
  Settings settings;
  settings.pool = std::make_shared<Pool>();
  return settings;
}

TEST(Pool, GivesTheSameTableForTheSameName) {
  const Settings settings = with_pool();
  const auto first = open_shared("inline:{a=1}", settings).value();
  EXPECT_EQ(open_shared("inline:{a=1}", settings).value(), first);
  EXPECT_NE(open_shared("inline:{a=2}", settings).value(), first);
}

TEST(Pool, GivesAnotherTableForOtherSettingsAndOptions) {
  const Settings settings = with_pool();
  const auto first = open_shared("inline:{a=1}", settings).value();
  Settings plain = settings;
  plain.smtputf8 = false;
  EXPECT_NE(open_shared("inline:{a=1}", plain).value(), first);
  EXPECT_NE(open_shared("inline:{a=1}", settings, {.folding = Folding::none}).value(), first);
}

TEST(Pool, WithoutOneEveryTableIsAnother) {
  const auto first = open_shared("inline:{a=1}", Settings{}).value();
  EXPECT_NE(open_shared("inline:{a=1}", Settings{}).value(), first);
}

TEST(Pool, ListsTellOnceWhatIsWrong) {
  const logging::Capture log;
  const Settings settings = with_pool();
  const TableList one("x_maps", "nosuch:x, regexp:{{/a/}}", settings, {});
  const TableList other("y_maps", "nosuch:x, regexp:{{/a/}}", settings, {});
  const MatchList patterns("z", "regexp:{{/a/}}", settings, {});
  EXPECT_EQ(log.events().size(), 2U);
  EXPECT_FALSE(other.lookup("a"));
}

TEST(Pool, GoesWithTheLastThatUsesIt) {
  std::weak_ptr<Pool> pool;
  {
    const Settings settings = with_pool();
    pool = settings.pool;
    const TableList list("x_maps", "inline:{a=1}, unionmap:{inline:{a=1}, inline:{b=2}}", settings, {});
    EXPECT_TRUE(list.lookup("a").value());
  }
  EXPECT_TRUE(pool.expired());
}

TEST(TableList, AnEmptyResultIsOneWhereItSaysSomething) {
  const logging::Capture log;
  const TableList list("x_maps", "regexp:{{/a/}}", Settings{}, {});
  EXPECT_FALSE(list.lookup("a"));
  EXPECT_EQ(list.lookup_or_empty("a").value(), "");
}

}  // namespace
}  // namespace table
