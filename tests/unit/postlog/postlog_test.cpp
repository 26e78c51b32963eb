#include "postlog/postlog.h"

#include <unistd.h>

#include <thread>

#include "base/error.h"
#include "base/fd.h"
#include "base/file.h"

namespace {

using logging::Level;

std::vector<std::string> logged(std::string_view input) {
  const logging::Capture log;
  int ends[2];
  EXPECT_EQ(::pipe(ends), 0);
  const base::Fd in(ends[0]);
  std::thread writer([&] {
    (void)base::write_fully(ends[1], input, "pipe");
    ::close(ends[1]);
  });
  postlog::log_lines(in.get(), Level::warning);
  writer.join();
  std::vector<std::string> texts;
  for (const auto& event : log.events()) {
    EXPECT_EQ(event.level, Level::warning);
    texts.push_back(event.text);
  }
  return texts;
}

using Texts = std::vector<std::string>;

TEST(PostlogSeverity, HasTheNamesOfPostfix) {
  EXPECT_EQ(postlog::severity("info"), Level::info);
  EXPECT_EQ(postlog::severity("warn"), Level::warning);
  EXPECT_EQ(postlog::severity("Warning"), Level::warning);
  EXPECT_EQ(postlog::severity("err"), Level::error);
  EXPECT_EQ(postlog::severity("ERROR"), Level::error);
  EXPECT_EQ(postlog::severity("crit"), Level::fatal);
  EXPECT_EQ(postlog::severity("fatal"), Level::fatal);
  EXPECT_EQ(postlog::severity("panic"), Level::panic);
  for (const char* name : {"", "debug", "notice", "warnings", "inf"}) EXPECT_FALSE(postlog::severity(name)) << name;
}

TEST(PostlogLines, AreARecordEach) {
  EXPECT_EQ(logged("a\n\nb\n"), (Texts{"a", "", "b"}));
  EXPECT_EQ(logged("a\nb"), (Texts{"a", "b"}));
  EXPECT_EQ(logged(""), Texts{});
  EXPECT_EQ(logged("\n"), Texts{""});
}

TEST(PostlogLines, MayBeLongerThanABuffer) {
  const std::string line(40000, 'x');
  EXPECT_EQ(logged(line + "\n" + line), (Texts{line, line}));
}

TEST(PostlogLines, CostBoundedMemory) {
  std::string input(3000000, 'x');
  input += "\nnext\n";
  const Texts texts = logged(input);
  ASSERT_EQ(texts.size(), 2u);
  EXPECT_EQ(texts[0].size(), 65536u);
  EXPECT_EQ(texts[1], "next");
}

TEST(PostlogLines, ThatCannotBeReadAreFatal) {
  EXPECT_THROW(postlog::log_lines(-1, Level::info), base::Fatal);
}

}  // namespace
