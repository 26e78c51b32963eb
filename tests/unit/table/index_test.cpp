// What hash, btree, lmdb and cdb tables have in common.
#include "index_fixture.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <algorithm>
#include <csignal>

#include "logging/log.h"

namespace table {

INSTANTIATE_TEST_SUITE_P(Types, EachIndex, testing::Values("hash", "btree", "lmdb", "cdb"), name_of_type);

TEST_P(EachIndex, HasWhatWasPutIntoIt) {
  make(GetParam(), {{"one", "1"}, {"two", "zwei drei"}});
  EXPECT_EQ(ask(GetParam(), "one"), "1");
  EXPECT_EQ(ask(GetParam(), "two"), "zwei drei");
  EXPECT_EQ(ask(GetParam(), "three"), "none");
  EXPECT_EQ(ask(GetParam(), ""), "none");
}

TEST_P(EachIndex, FoldsKeysAndNotValues) {
  make(GetParam(), {{"Ünder", "Ünder"}});
  EXPECT_EQ(ask(GetParam(), "üNDER"), "Ünder");
}

TEST_P(EachIndex, KeepsKeysAsTheyAreOnRequest) {
  Options options;
  options.folding = Folding::none;
  make(GetParam(), {{"Key", "v"}}, options);
  EXPECT_EQ(ask(GetParam(), "Key"), "none");
  EXPECT_EQ(ask(GetParam(), "Key", options), "v");
}

TEST_P(EachIndex, OfAnEmptySourceIsEmpty) {
  make(GetParam(), {});
  EXPECT_EQ(ask(GetParam(), "x"), "none");
  EXPECT_TRUE(list(*must_open(GetParam())).empty());
}

TEST_P(EachIndex, HoldsManyEntries) {
  constexpr int kCount = 20000;
  make_many(GetParam(), kCount);
  auto table = must_open(GetParam());
  for (int i = 0; i < kCount; i += 7) {
    ASSERT_EQ(ask(*table, "key" + std::to_string(i)), "value of " + std::to_string(i));
  }
  auto entries = list(*table);
  std::ranges::sort(entries);
  EXPECT_EQ(std::ranges::unique(entries).begin() - entries.begin(), kCount);
}

TEST_P(EachIndex, HoldsLongValuesAndManySizes) {
  std::vector<Entry> entries;
  for (std::size_t size : {0UL, 1UL, 1000UL, 2040UL, 4000UL, 4096UL, 70000UL, 1000000UL}) {
    entries.emplace_back("k" + std::to_string(size), std::string(size, 'v'));
  }
  make(GetParam(), entries);
  auto table = must_open(GetParam());
  for (const auto& [key, value] : entries) EXPECT_TRUE(ask(*table, key) == value) << key;
  EXPECT_EQ(list(*table).size(), entries.size());
}

TEST_P(EachIndex, KeepsTheFirstOfDuplicatesAndSaysSo) {
  const logging::Capture log;
  make(GetParam(), {{"k", "first"}, {"K", "second"}});
  EXPECT_EQ(ask(GetParam(), "k"), "first");
  EXPECT_TRUE(log.contains("duplicate entry: \"k\""));
}

TEST_P(EachIndex, KeepsTheFirstOfDuplicatesSilently) {
  const logging::Capture log;
  make(GetParam(), {{"k", "first"}, {"k", "second"}}, {.ignore_duplicates = true});
  EXPECT_EQ(ask(GetParam(), "k"), "first");
  EXPECT_TRUE(log.events().empty());
}

TEST_P(EachIndex, ReplacesDuplicates) {
  const logging::Capture log;
  make(GetParam(), {{"k", "first"}, {"a", "b"}, {"k", "second, longer"}, {"c", "d"}}, {.replace_duplicates = true});
  EXPECT_EQ(ask(GetParam(), "k"), "second, longer");
  EXPECT_EQ(ask(GetParam(), "c"), "d");
  EXPECT_EQ(list(*must_open(GetParam())).size(), 3U);
  EXPECT_TRUE(log.events().empty());
}

TEST_P(EachIndex, IsAskedForBothFormsOfAKey) {
  for (const NulForm form : {NulForm::never, NulForm::always}) {
    make(GetParam(), {{"k", "v"}}, {.nul = form});
    EXPECT_EQ(ask(GetParam(), "k"), "v");
    EXPECT_EQ(ask(GetParam(), "k", {.nul = form}), "v");
    EXPECT_EQ(ask(GetParam(), "k", {.nul = form == NulForm::never ? NulForm::always : NulForm::never}), "none");
  }
}

TEST_P(EachIndex, RemembersTheFormThatHit) {
  auto made = builder(GetParam(), {.nul = NulForm::always});
  ASSERT_TRUE(made->add("with", "1"));
  ASSERT_TRUE(made->add_verbatim("without", "2"));
  ASSERT_TRUE(made->commit());
  auto table = must_open(GetParam());
  EXPECT_EQ(ask(*table, "without"), "2");
  EXPECT_EQ(ask(*table, "with"), "none");
}

TEST_P(EachIndex, IsLeftAloneWithoutCommit) {
  make(GetParam(), {{"k", "old"}});
  {
    auto made = builder(GetParam());
    ASSERT_TRUE(made->add("k", "new"));
  }
  EXPECT_EQ(ask(GetParam(), "k"), "old");
  EXPECT_FALSE(std::filesystem::exists(file(GetParam()) + ".tmp"));
}

TEST_P(EachIndex, IsReplacedWholeUnderItsReaders) {
  make(GetParam(), {{"k", "old"}});
  auto before = must_open(GetParam());
  EXPECT_FALSE(before->has_changed());
  make(GetParam(), {{"k", "new"}});
  EXPECT_TRUE(before->has_changed());
  EXPECT_EQ(ask(*before, "k"), "old");
  EXPECT_EQ(ask(GetParam(), "k"), "new");
}

TEST_P(EachIndex, HasChangedWhenItsFileIsGone) {
  make(GetParam(), {{"k", "v"}});
  auto table = must_open(GetParam());
  std::filesystem::remove(file(GetParam()));
  EXPECT_TRUE(table->has_changed());
}

TEST_P(EachIndex, ThatIsMissingIsAnErrorWithTheFilesName) {
  EXPECT_EQ(ask(GetParam(), "k"), "open database " + file(GetParam()) + ": No such file or directory");
}

TEST_P(EachIndex, ThatIsAFolderIsAnError) {
  std::filesystem::create_directory(file(GetParam()));
  EXPECT_EQ(ask(GetParam(), "k"), "open database " + file(GetParam()) + ": Is a directory");
}

TEST_P(EachIndex, ThatIsAPipeIsAnErrorAtOnce) {
  ASSERT_EQ(::mkfifo(file(GetParam()).c_str(), 0600), 0);
  EXPECT_EQ(ask(GetParam(), "k"), "open database " + file(GetParam()) + ": not a regular file");
}

TEST_P(EachIndex, OfAnotherTypeOrNoneIsAnError) {
  for (const std::string& content :
       {std::string(), std::string("abc"), std::string(9000, 'x'), std::string(9000, '\0')}) {
    write(file(GetParam()), content);
    const std::string answer = ask(GetParam(), "k");
    if (GetParam() == "cdb" && content == std::string(9000, '\0')) continue;  // is an empty cdb table
    EXPECT_TRUE(answer.contains(file(GetParam()))) << answer;
    EXPECT_NE(answer, "none");
    auto amended = amend(GetParam(), path_, settings_, {}, own());
    EXPECT_FALSE(amended);
  }
}

TEST_P(EachIndex, KeepsOwnerAndModeOfTheFileThatIsThere) {
  auto first = build(GetParam(), path_, settings_, {}, own(0640));
  ASSERT_TRUE(first && (*first)->commit());
  const auto mode = [&] { return std::filesystem::status(file(GetParam())).permissions(); };
  EXPECT_EQ(mode(), std::filesystem::perms{0640});
  make(GetParam(), {});
  // A cdb file has always been a new file.
  EXPECT_EQ(mode(), std::filesystem::perms{GetParam() == "cdb" ? 0644U : 0640U});
}

TEST_P(EachIndex, WarnsWhenTheSourceIsNewer) {
  make(GetParam(), {{"k", "v"}});
  write(path_, "k v\n");
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(path_, now - std::chrono::minutes(5));
  std::filesystem::last_write_time(file(GetParam()), now - std::chrono::minutes(9));
  const logging::Capture log;
  EXPECT_EQ(ask(GetParam(), "k"), "v");
  EXPECT_TRUE(log.contains("database " + file(GetParam()) + " is older than source file " + path_));
}

TEST_P(EachIndex, DoesNotWarnWhileTheSourceIsBeingEdited) {
  make(GetParam(), {{"k", "v"}});
  write(path_, "k v\n");
  const auto now = std::filesystem::file_time_type::clock::now();
  std::filesystem::last_write_time(path_, now - std::chrono::seconds(50));
  std::filesystem::last_write_time(file(GetParam()), now - std::chrono::minutes(9));
  const logging::Capture log;
  EXPECT_EQ(ask(GetParam(), "k"), "v");
  EXPECT_TRUE(log.events().empty());
}

TEST_P(EachIndex, SurvivesThatItsFileIsCutShortInUse) {
  make_many(GetParam(), 3000);
  auto table = must_open(GetParam());
  EXPECT_EQ(ask(*table, "key1"), "value of 1");
  std::filesystem::resize_file(file(GetParam()), 100);
  // What is read within a tick of the clock is found to be missing; after that, the size tells.
  const std::string answer = ask(*table, "key1");
  EXPECT_TRUE(answer.contains("cut off") || answer.contains("cut short") || answer.contains("overwritten")) << answer;
}

// Within a tick of the clock nobody looks at the size again, unless less is mapped than there must be.
TEST_P(EachIndex, CutOffWhileItIsReadIsAnErrorAndNeitherAnEndNorNotFound) {
  make_many(GetParam(), 3000);
  const std::string whole = read(file(GetParam()));
  auto table = must_open(GetParam());
  for (const double part : {0.0, 0.3, 0.5, 0.95}) {
    for (int i = 0; i < 3000; i += 50) {
      const std::string key = "key" + std::to_string(i);
      EXPECT_EQ(ask(*table, key), "value of " + std::to_string(i));
      std::filesystem::resize_file(file(GetParam()),
                                   static_cast<std::uintmax_t>(part * static_cast<double>(whole.size())));
      const std::string answer = ask(*table, key);
      EXPECT_TRUE(answer == "value of " + std::to_string(i) || answer.contains("query error")) << answer;
      EXPECT_TRUE(ask(*table, "no such key").contains("query error")) << GetParam();
      std::ofstream(file(GetParam()), std::ios::binary | std::ios::in) << whole;
    }
  }
}

// A disk that is full, for this process.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) {
    signal_before_ = std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before_);
    rlimit limit = before_;
    limit.rlim_cur = bytes;
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    std::signal(SIGXFSZ, signal_before_);
  }

 private:
  rlimit before_{};
  void (*signal_before_)(int);
};

TEST_P(EachIndex, IsLeftAloneWhenTheDiskIsFull) {
  make(GetParam(), {{"k", "old"}});
  const std::string before = read(file(GetParam()));
  {
    const FileSizeLimit full(100000);
    auto made = builder(GetParam());
    std::expected<void, Error> result;
    for (int i = 0; i < 20000 && result; ++i) result = made->add("key" + std::to_string(i), "value");
    if (result) result = made->commit();
    ASSERT_FALSE(result);
    const std::string& why = result.error().text;
    EXPECT_TRUE(why.contains("File too large") || why.contains("disk may be full")) << why;
  }
  EXPECT_EQ(read(file(GetParam())), before);
  EXPECT_FALSE(std::filesystem::exists(file(GetParam()) + ".tmp"));
}

// Whatever stands in the file: an answer or an error, and no crash.
void use_up(std::string_view type, const std::string& path, const Settings& settings) {
  const logging::Capture quiet;
  if (auto table = open(std::string(type) + ":" + path, settings, {})) {
    for (const char* key : {"key1", "key77", "key299", "long", "nokey", "key"}) (void)(*table)->lookup(key);
    (void)(*table)->for_each([](const Entry&) { return true; });
  }
}

TEST_P(EachIndex, CutAnywhereIsNoCrash) {
  std::vector<Entry> entries{{"long", std::string(9000, 'l')}};
  for (int i = 0; i < 300; ++i) entries.emplace_back("key" + std::to_string(i), "value of " + std::to_string(i));
  make(GetParam(), entries);
  const std::string whole = read(file(GetParam()));
  for (std::size_t size = 0; size < whole.size(); size += size < 3000 ? 61 : 509) {
    write(file(GetParam()), std::string_view(whole).substr(0, size));
    use_up(GetParam(), path_, settings_);
  }
}

TEST_P(EachIndex, WithFlippedBitsIsNoCrash) {
  std::vector<Entry> entries{{"long", std::string(9000, 'l')}};
  for (int i = 0; i < 300; ++i) entries.emplace_back("key" + std::to_string(i), "value of " + std::to_string(i));
  make(GetParam(), entries);
  const std::string whole = read(file(GetParam()));
  unsigned random = 4711;
  for (int round = 0; round < 400; ++round) {
    std::string broken = whole;
    for (int flips = 0; flips <= round % 5; ++flips) {
      random = random * 1103515245U + 12345U;
      // Where the numbers are: half of the flips within headers, offsets and nodes at the beginnings of pages.
      std::size_t at = (random >> 8U) % broken.size();
      if ((round + flips) % 2 == 0) at = at / 4096 * 4096 + at % 160;
      if (at < broken.size()) broken[at] = static_cast<char>(broken[at] ^ static_cast<char>(1U << (random >> 28U) % 8));
    }
    write(file(GetParam()), broken);
    use_up(GetParam(), path_, settings_);
  }
}

// --- the types that can be changed

class EachWritableIndex : public EachIndex {
 protected:
  static Options writable() {
    Options options;
    options.access = Access::read_write;
    return options;
  }
};

INSTANTIATE_TEST_SUITE_P(Types, EachWritableIndex, testing::Values("hash", "btree", "lmdb"), name_of_type);

TEST_P(EachWritableIndex, IsChangedInPlace) {
  make(GetParam(), {{"a", "1"}, {"b", "2"}});
  auto table = must_open(GetParam(), writable());
  auto reader = must_open(GetParam());
  ASSERT_TRUE(table->update("C", "3"));
  EXPECT_EQ(table->remove("a").value(), true);
  EXPECT_EQ(table->remove("a").value(), false);
  EXPECT_EQ(ask(*table, "c"), "3");
  EXPECT_EQ(ask(*reader, "c"), "3");
  EXPECT_EQ(ask(*reader, "a"), "none");
}

TEST_P(EachWritableIndex, KeepsOrReplacesOnUpdate) {
  make(GetParam(), {{"a", "1"}});
  const logging::Capture log;
  ASSERT_TRUE(must_open(GetParam(), writable())->update("a", "2"));
  EXPECT_TRUE(log.contains("duplicate entry: \"a\""));
  EXPECT_EQ(ask(GetParam(), "a"), "1");
  Options replacing = writable();
  replacing.replace_duplicates = true;
  ASSERT_TRUE(must_open(GetParam(), replacing)->update("a", "2"));
  EXPECT_EQ(ask(GetParam(), "a"), "2");
}

TEST_P(EachWritableIndex, TakesTurnsWithOtherWriters) {
  make(GetParam(), {});
  auto one = must_open(GetParam(), writable());
  auto two = must_open(GetParam(), writable());
  for (int i = 0; i < 100; ++i) {
    ASSERT_TRUE(one->update("one" + std::to_string(i), "1"));
    ASSERT_TRUE(two->update("two" + std::to_string(i), "2"));
  }
  EXPECT_EQ(list(*must_open(GetParam())).size(), 200U);
}

TEST_P(EachWritableIndex, CannotBeChangedWhenOpenForReading) {
  make(GetParam(), {{"a", "1"}});
  EXPECT_FALSE(must_open(GetParam())->update("a", "2"));
  EXPECT_FALSE(must_open(GetParam())->remove("a"));
}

TEST_P(EachWritableIndex, IsAmendedAllAtOnce) {
  make(GetParam(), {{"a", "1"}, {"b", "2"}});
  {
    auto amending = amend(GetParam(), path_, settings_, {}, own());
    ASSERT_TRUE(amending);
    ASSERT_TRUE((*amending)->add("c", "3"));
    ASSERT_TRUE((*amending)->remove("a"));
  }
  EXPECT_EQ(ask(GetParam(), "a"), "1");
  EXPECT_EQ(ask(GetParam(), "c"), "none");
  auto amending = amend(GetParam(), path_, settings_, {}, own());
  ASSERT_TRUE(amending);
  ASSERT_TRUE((*amending)->add("c", "3"));
  EXPECT_EQ((*amending)->remove("A").value(), true);
  EXPECT_EQ((*amending)->remove("nokey").value(), false);
  ASSERT_TRUE((*amending)->commit());
  EXPECT_EQ(ask(GetParam(), "a"), "none");
  EXPECT_EQ(ask(GetParam(), "c"), "3");
}

TEST_P(EachWritableIndex, GrowsWhileItIsAmended) {
  settings_.lmdb_map_size = 1024 * 1024;
  make(GetParam(), {{"a", "1"}});
  auto amending = amend(GetParam(), path_, settings_, {}, own());
  ASSERT_TRUE(amending);
  for (int i = 0; i < 60000; ++i) ASSERT_TRUE((*amending)->add("key" + std::to_string(i), std::string(40, 'v')));
  ASSERT_TRUE((*amending)->commit());
  EXPECT_EQ(list(*must_open(GetParam())).size(), 60001U);
}

TEST_P(EachWritableIndex, IsLeftAloneWhenTheDiskIsFullWhileAmending) {
  make(GetParam(), {{"k", "old"}});
  {
    const FileSizeLimit full(200000);
    auto amending = amend(GetParam(), path_, settings_, {}, own());
    ASSERT_TRUE(amending);
    std::expected<void, Error> result;
    for (int i = 0; i < 20000 && result; ++i) result = (*amending)->add("key" + std::to_string(i), "value");
    if (result) result = (*amending)->commit();
    EXPECT_FALSE(result);
  }
  EXPECT_EQ(list(*must_open(GetParam())), (std::vector<Entry>{{"k", "old"}}));
}

TEST_P(EachWritableIndex, ThatIsBrokenIsNotWrittenTo) {
  std::vector<Entry> entries{{"long", std::string(9000, 'l')}};
  for (int i = 0; i < 300; ++i) entries.emplace_back("key" + std::to_string(i), "value of " + std::to_string(i));
  make(GetParam(), entries);
  {
    auto table = must_open(GetParam(), writable());
    for (int i = 0; i < 300; i += 3) ASSERT_TRUE(table->remove("key" + std::to_string(i)));  // makes free pages
  }
  const std::string whole = read(file(GetParam()));
  unsigned random = 42;
  for (int round = 0; round < 300; ++round) {
    std::string broken = whole;
    random = random * 1103515245U + 12345U;
    std::size_t at = (random >> 8U) % broken.size();
    if (round % 2 == 0) at = at / 4096 * 4096 + at % 160;
    at = std::min(at, broken.size() - 1);
    broken[at] = static_cast<char>(broken[at] ^ static_cast<char>(1U << (random >> 28U) % 8));
    write(file(GetParam()), broken);
    const logging::Capture quiet;
    if (auto table = open(std::string(GetParam()) + ":" + path_, settings_, writable())) {
      (void)(*table)->update("new", std::string(5000, 'n'));
      (void)(*table)->update("key1", "x");
      (void)(*table)->remove("key2");
      (void)(*table)->remove("long");
      (void)(*table)->update("more", "m");
    }
    write(file(GetParam()), broken);
    if (auto amending = amend(GetParam(), path_, settings_, {}, own())) {
      (void)(*amending)->add("new", std::string(5000, 'n'));
      (void)(*amending)->remove("long");
      (void)(*amending)->commit();
    }
  }
}

// --- builders

TEST_F(Indexed, TypesWithoutAFileCannotBeBuilt) {
  EXPECT_EQ(build("texthash", path_, settings_, {}, own()).error().text,
            "unsupported dictionary type: texthash does not support bulk-mode creation.");
  EXPECT_EQ(build("nosuch", path_, settings_, {}, own()).error().text, "unsupported dictionary type: nosuch");
  EXPECT_FALSE(is_buildable("regexp"));
  EXPECT_TRUE(is_buildable("lmdb"));
}

TEST_F(Indexed, CdbFilesCannotBeChanged) {
  make("cdb", {{"a", "1"}});
  EXPECT_FALSE(amend("cdb", path_, settings_, {}, own()));
  EXPECT_FALSE(open("cdb:" + path_, settings_, {.access = Access::read_write}));
}

TEST_F(Indexed, LmdbKeysHaveALimit) {
  auto made = builder("lmdb");
  ASSERT_TRUE(made->add(std::string(510, 'k'), "v"));
  ASSERT_TRUE(made->commit());
  EXPECT_EQ(ask("lmdb", std::string(510, 'k')), "v");
  EXPECT_EQ(ask("lmdb", std::string(600, 'k')), "none");
  made = builder("lmdb");
  ASSERT_TRUE(made->add(std::string(511, 'k'), "v"));
  EXPECT_TRUE(made->commit().error().text.contains("MDB_BAD_VALSIZE"));
}

TEST_F(Indexed, LmdbMapGrowsWithTheTable) {
  settings_.lmdb_map_size = 1024 * 1024;
  make_many("lmdb", 100000);
  EXPECT_EQ(list(*must_open("lmdb")).size(), 100000U);
}

TEST_F(Indexed, CdbFilesHaveTheOrderOfTheSource) {
  make("cdb", {{"z", "1"}, {"a", "2"}, {"m", "3"}});
  EXPECT_EQ(list(*must_open("cdb")), (std::vector<Entry>{{"z", "1"}, {"a", "2"}, {"m", "3"}}));
}

ino_t inode_of(const std::string& path) {
  struct stat status{};
  return ::stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

TEST_F(Indexed, FilesInClosedFoldersAreWrittenInPlace) {
  if (::geteuid() == 0) GTEST_SKIP() << "no folder is closed to root";
  for (const char* type : {"hash", "btree", "lmdb"}) {
    make(type, {{"k", "old"}});
    const auto before = inode_of(file(type));
    std::filesystem::permissions(folder_, std::filesystem::perms{0500});
    make(type, {{"k", "new"}});
    EXPECT_EQ(ask(type, "k"), "new");
    std::filesystem::permissions(folder_, std::filesystem::perms{0700});
    EXPECT_EQ(inode_of(file(type)), before);
  }
}

}  // namespace table
