// That libdb itself finds nothing wrong with our files, and our checks nothing wrong with its.
#include <db.h>

#include "index_fixture.h"
#include "table/berkeley_db_file.h"

namespace table {

namespace {

int verify(const std::string& path) {
  DB* db = nullptr;
  if (::db_create(&db, nullptr, 0) != 0) return -1;
  return db->verify(db, path.c_str(), nullptr, nullptr, 0);
}

// As Postfix makes it: entry by entry, nothing said of its size.
void make_with_libdb(const std::string& path, DBTYPE type, int count, std::size_t value_size) {
  DB* db = nullptr;
  ASSERT_EQ(::db_create(&db, nullptr, 0), 0);
  ASSERT_EQ(db->open(db, nullptr, path.c_str(), nullptr, type, DB_CREATE, 0644), 0);
  for (int i = 0; i < count; ++i) {
    std::string key = "key" + std::to_string(i) + '\0';
    key.push_back('\0');
    std::string value(value_size, 'v');
    DBT k{};
    DBT v{};
    k.data = key.data();
    k.size = static_cast<std::uint32_t>(key.size() - 1);
    v.data = value.data();
    v.size = static_cast<std::uint32_t>(value.size());
    ASSERT_EQ(db->put(db, nullptr, &k, &v, 0), 0);
  }
  for (int i = 0; i < count; i += 5) {
    std::string key = "key" + std::to_string(i) + '\0';
    DBT k{};
    k.data = key.data();
    k.size = static_cast<std::uint32_t>(key.size());
    ASSERT_EQ(db->del(db, nullptr, &k, 0), 0);
  }
  ASSERT_EQ(db->close(db, 0), 0);
}

std::string check(const std::string& path, BerkeleyKind kind) {
  auto index = IndexFile::open(path, Access::read);
  if (!index) return index.error().text;
  auto file = BerkeleyFile::open(std::move(*index), kind);
  if (!file) return file.error().text;
  auto sound = file->check();
  return sound ? "sound" : sound.error().text;
}

}  // namespace

class BerkeleyDb : public Indexed {};

TEST_F(BerkeleyDb, FilesOfAllSizesPassLibdbsVerification) {
  for (const char* type : {"hash", "btree"}) {
    for (const int count : {0, 1, 10, 100, 1000, 5000, 50000}) {
      make_many(type, count);
      EXPECT_EQ(verify(file(type)), 0) << type << ' ' << count;
      std::filesystem::remove(file(type));
    }
  }
}

TEST_F(BerkeleyDb, FilesWithLongEntriesPassLibdbsVerification) {
  for (const char* type : {"hash", "btree"}) {
    make(type, {{std::string(3000, 'k'), "v"}, {"k", std::string(300000, 'v')}, {std::string(9000, 'l'), "w"}});
    EXPECT_EQ(verify(file(type)), 0) << type;
    EXPECT_EQ(ask(type, std::string(9000, 'l')), "w");
    std::filesystem::remove(file(type));
  }
}

TEST_F(BerkeleyDb, LibdbsFilesPassOurCheck) {
  for (const std::size_t value_size : {5UL, 300UL, 3000UL, 20000UL}) {
    for (const int count : {0, 3, 700, 4000}) {
      if (value_size * static_cast<std::size_t>(count) > 20'000'000) continue;
      make_with_libdb(path_ + ".db", DB_HASH, count, value_size);
      EXPECT_EQ(check(path_ + ".db", BerkeleyKind::hash), "sound") << value_size << ' ' << count;
      EXPECT_EQ(list(*must_open("hash")).size(), static_cast<std::size_t>(count - (count + 4) / 5));
      std::filesystem::remove(path_ + ".db");
      make_with_libdb(path_ + ".db", DB_BTREE, count, value_size);
      EXPECT_EQ(check(path_ + ".db", BerkeleyKind::btree), "sound") << value_size << ' ' << count;
      EXPECT_EQ(list(*must_open("btree")).size(), static_cast<std::size_t>(count - (count + 4) / 5));
      std::filesystem::remove(path_ + ".db");
    }
  }
}

TEST_F(BerkeleyDb, LibdbGoesOnWithOurFiles) {
  for (const char* type : {"hash", "btree"}) {
    make_many(type, 3000);
    Options options;
    options.access = Access::read_write;
    {
      auto amending = amend(type, path_, settings_, {}, own());
      ASSERT_TRUE(amending);
      for (int i = 0; i < 9000; ++i) ASSERT_TRUE((*amending)->add("new" + std::to_string(i), "w"));
      for (int i = 0; i < 3000; i += 2) ASSERT_TRUE((*amending)->remove("key" + std::to_string(i)).value());
      ASSERT_TRUE((*amending)->commit());
    }
    EXPECT_EQ(verify(file(type)), 0) << type;
    EXPECT_EQ(list(*must_open(type)).size(), 10500U);
    std::filesystem::remove(file(type));
  }
}

TEST_F(BerkeleyDb, SaysWhichTypeTheFileIsOf) {
  make("hash", {{"a", "1"}});
  EXPECT_EQ(ask("btree", "a"),
            "open database " + path_ + ".db: Invalid argument (this is a hash file, not a btree file)");
}

TEST_F(BerkeleyDb, HashFilesHaveRoomForWhatIsInThem) {
  make_many("hash", 50000);
  const auto size = std::filesystem::file_size(file("hash"));
  EXPECT_GT(size, 50000U * 25);
  EXPECT_LT(size, 50000U * 120);
}

}  // namespace table
