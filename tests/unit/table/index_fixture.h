#pragma once
// What the tests of the types with an index file share: a folder, and tables made in it.

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "base/file.h"
#include "table/build.h"
#include "table/open.h"

namespace table {

class Indexed : public testing::Test {
 protected:
  void SetUp() override {
    std::string name = (std::filesystem::temp_directory_path() / "index_test.XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
    path_ = name + "/t";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  static base::ReplacementFile::Ownership own(mode_t mode = 0644) { return {::geteuid(), ::getegid(), mode}; }

  std::unique_ptr<Builder> builder(std::string_view type, const Options& options = {}) {
    auto made = build(type, path_, settings_, options, own());
    EXPECT_TRUE(made) << (made ? "" : made.error().text);
    return made ? std::move(*made) : nullptr;
  }

  void make(std::string_view type, const std::vector<Entry>& entries, const Options& options = {}) {
    auto made = builder(type, options);
    ASSERT_NE(made, nullptr);
    for (const auto& [key, value] : entries) ASSERT_TRUE(made->add(key, value));
    auto committed = made->commit();
    ASSERT_TRUE(committed) << committed.error().text;
  }

  void make_many(std::string_view type, int count) {
    std::vector<Entry> entries;
    for (int i = 0; i < count; ++i) entries.emplace_back("key" + std::to_string(i), "value of " + std::to_string(i));
    make(type, entries);
  }

  std::unique_ptr<Table> must_open(std::string_view type, const Options& options = {}) {
    auto opened = open(std::string(type) + ":" + path_, settings_, options);
    EXPECT_TRUE(opened) << (opened ? "" : opened.error().text);
    return opened ? std::move(*opened) : nullptr;
  }

  std::string file(std::string_view type) const { return index_file_of(type, path_); }

  // "none" when it is not there.
  std::string ask(std::string_view type, std::string_view key, const Options& options = {}) {
    auto opened = open(std::string(type) + ":" + path_, settings_, options);
    return opened ? ask(**opened, key) : opened.error().text;
  }
  static std::string ask(Table& table, std::string_view key) {
    auto answer = table.lookup(key);
    if (!answer) return answer.error().text;
    return *answer ? **answer : "none";
  }

  static std::vector<Entry> list(Table& table) {
    std::vector<Entry> entries;
    auto listed = table.for_each([&](const Entry& entry) {
      entries.push_back(entry);
      return true;
    });
    EXPECT_TRUE(listed) << (listed ? "" : listed.error().text);
    return entries;
  }

  static std::string read(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  static void write(const std::string& path, std::string_view content) {
    std::ofstream(path, std::ios::binary) << content;
  }

  std::filesystem::path folder_;
  std::string path_;  // of the source
  Settings settings_;
};

// One test for each of the types.
class EachIndex : public Indexed, public testing::WithParamInterface<std::string_view> {};

inline std::string name_of_type(const testing::TestParamInfo<std::string_view>& info) {
  return std::string(info.param);
}

}  // namespace table
