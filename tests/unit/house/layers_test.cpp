// The include lines show the architecture; here is what they may show.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <optional>

namespace {

namespace fs = std::filesystem;

// A folder may include those before it in this list, and itself.
const std::vector<std::string> kLibraries = {"base",  "logging", "io",     "config",       "table",   "command",
                                             "disk",  "mail",    "ipc",    "dns",          "tls",     "sasl",
                                             "queue", "routing", "client", "restrictions", "service", "delivery"};

std::optional<std::size_t> rank_of(std::string_view library) {
  const auto place = std::ranges::find(kLibraries, library);
  if (place == kLibraries.end()) return std::nullopt;
  return static_cast<std::size_t>(place - kLibraries.begin());
}

struct Include {
  std::string file;    // in the source folder
  std::string target;  // between the quotes
};

std::vector<Include> includes_under(const fs::path& folder) {
  std::vector<Include> all;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string extension = entry.path().extension();
    if (extension != ".h" && extension != ".cpp") continue;
    std::ifstream lines(entry.path());
    for (std::string line; std::getline(lines, line);) {
      constexpr std::string_view kStart = "#include \"";
      if (!line.starts_with(kStart)) continue;
      const auto end = line.find('"', kStart.size());
      all.push_back(
          {fs::relative(entry.path(), POSTRIDER_SOURCE_DIR).string(), line.substr(kStart.size(), end - kStart.size())});
    }
  }
  return all;
}

// Why an include of `target` in the folder `from` is against the rules; nothing when it is not.
std::string problem_of(std::string_view from, std::string_view target, std::optional<std::size_t> rank) {
  const auto slash = target.find('/');
  if (slash == std::string_view::npos) return target.ends_with(".inc") ? "" : "names no folder";  // generated rows
  const std::string_view to = target.substr(0, slash);
  if (to == from) return "";
  if (from == "postalias" && to == "postmap") return "";  // one program with two names, but for its words
  const auto other = rank_of(to);
  if (!other) return "is neither a library nor this folder";
  if (rank && *other > *rank) return "goes up";
  return "";
}

fs::path source(std::string_view below) {
  return fs::path(POSTRIDER_SOURCE_DIR) / below;
}

TEST(Layers, AreAllInTheList) {
  for (const auto& entry : fs::directory_iterator(source("src/util"))) {
    EXPECT_TRUE(rank_of(entry.path().filename().string())) << entry.path();
  }
}

TEST(Layers, OfLibrariesPointDown) {
  std::size_t seen = 0;
  for (const auto& library : kLibraries) {
    for (const auto& include : includes_under(source("src/util/" + library))) {
      EXPECT_EQ(problem_of(library, include.target, rank_of(library)), "")
          << include.file << " includes " << include.target;
      ++seen;
    }
  }
  EXPECT_GT(seen, 100u) << "the scan has gone blind";
}

// Not src/tools: those run while the mail system is built and share nothing with it.
TEST(Layers, KeepProgramsOutOfEachOther) {
  std::size_t seen = 0;
  for (const auto& top : {source("src/commands"), source("src")}) {
    for (const auto& program : fs::directory_iterator(top)) {
      const std::string name = program.path().filename();
      if (!program.is_directory() || name == "util" || name == "commands" || name == "tools") continue;
      for (const auto& include : includes_under(program.path())) {
        EXPECT_EQ(problem_of(name, include.target, std::nullopt), "") << include.file << " includes " << include.target;
        ++seen;
      }
    }
  }
  EXPECT_GT(seen, 3u) << "the scan has gone blind";
}

TEST(Layers, AreToldApartByTheRules) {
  EXPECT_EQ(problem_of("io", "base/fd.h", rank_of("io")), "");
  EXPECT_EQ(problem_of("io", "io/wait.h", rank_of("io")), "");
  EXPECT_EQ(problem_of("io", "table/table.h", rank_of("io")), "goes up");
  EXPECT_EQ(problem_of("io", "wait.h", rank_of("io")), "names no folder");
  EXPECT_EQ(problem_of("postmap", "postlog/postlog.h", std::nullopt), "is neither a library nor this folder");
  EXPECT_EQ(problem_of("postmap", "table/table.h", std::nullopt), "");
}

}  // namespace
