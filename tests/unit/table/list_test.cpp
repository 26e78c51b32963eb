#include "table/list.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "asking.h"
#include "table/build.h"
#include "table/match_list.h"

namespace table {
namespace {

TEST(TableList, TheFirstTableThatHasTheKeyAnswers) {
  const TableList list("x_maps", "inline:{a=1, {b = 2 3}}, pcre:{ {/b/ pcre}, {/c/ 4} } static:last", Settings{}, {});
  EXPECT_EQ(told(list.lookup("a")), "1");
  EXPECT_EQ(told(list.lookup("b")), "2 3");
  EXPECT_EQ(told(list.lookup("c")), "4");
  EXPECT_EQ(list.last_table(), "pcre:{ {/b/ pcre}, {/c/ 4} }");
  EXPECT_EQ(told(list.lookup("d")), "last");
}

TEST(TableList, PartialKeysNeverReachPatternTables) {
  const TableList list("x_maps", "pcre:{{/a/ pattern}} inline:{a=fixed}", Settings{}, {});
  EXPECT_EQ(told(list.lookup("a")), "pattern");
  EXPECT_EQ(told(list.lookup("a", TableList::Ask::fixed_only)), "fixed");
}

TEST(TableList, ATableThatCannotBeOpenedIsAnErrorToWhoeverAsksIt) {
  const logging::Capture capture;
  const TableList list("x_maps", "inline:{a=1} texthash:/nonexistent static:y", Settings{}, {});
  EXPECT_TRUE(capture.contains("open database /nonexistent: No such file or directory"));
  EXPECT_EQ(told(list.lookup("a")), "1");
  EXPECT_EQ(told(list.lookup("b")),
            "ERROR texthash:/nonexistent is unavailable. open database /nonexistent: No such file or directory");
  EXPECT_TRUE(capture.contains("texthash:/nonexistent lookup error for \"b\""));
}

TEST(TableList, ATableThatCanBeOpenedAfterAllHasChanged) {
  const logging::Capture capture;
  std::string folder = "/tmp/list_test.XXXXXX";
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  std::ofstream(folder + "/t.cdb");
  const TableList list("x_maps", "cdb:" + folder + "/t", Settings{}, {});
  const MatchList names("x_names", "cdb:" + folder + "/t", Settings{}, MatchList::Rules{});
  ::usleep(1'100'000);  // it is tried once a second
  EXPECT_FALSE(list.has_changed() || names.has_changed());
  auto made = build("cdb", folder + "/t", Settings{}, {}, {::geteuid(), ::getegid(), 0644});
  ASSERT_TRUE(made && (*made)->add("a", "1") && (*made)->commit());
  EXPECT_FALSE(list.has_changed());
  ::usleep(1'100'000);
  EXPECT_TRUE(list.has_changed());
  EXPECT_TRUE(names.has_changed());
  std::filesystem::remove_all(folder);
}

TEST(TableList, AnEmptyResultIsNoAnswer) {
  const logging::Capture capture;
  const TableList list("x_maps", "inline:{a=} static:y", Settings{}, {});
  const Answer answer = list.lookup("a");
  ASSERT_FALSE(answer);
  EXPECT_TRUE(answer.error().permanent);
  EXPECT_TRUE(capture.contains("x_maps lookup of a returns an empty string result"));
}

TEST(TableList, AnEmptyListHasNothing) {
  EXPECT_TRUE(TableList("x_maps", " ,\n", Settings{}, {}).empty());
  EXPECT_EQ(told(TableList("x_maps", "", Settings{}, {}).lookup("a")), kNothing);
}

TEST(TableList, AnEmptyKeyIsNeverAskedFor) {
  const logging::Capture capture;
  EXPECT_EQ(told(TableList("x_maps", "static:y fail:x", Settings{}, {}).lookup("")), kNothing);
  EXPECT_TRUE(capture.events().empty());
}

}  // namespace
}  // namespace table
