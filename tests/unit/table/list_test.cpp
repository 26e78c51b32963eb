#include "table/list.h"

#include "asking.h"

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
