#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "postconf/edit_file.h"
#include "postconf/edit_main_cf.h"
#include "postconf/edit_master_cf.h"

namespace postconf {
namespace {

class EditedFolder : public ::testing::Test {
 protected:
  EditedFolder() {
    char name[] = "/tmp/postconf_edit_XXXXXX";
    folder_ = ::mkdtemp(name);
  }
  ~EditedFolder() override { std::filesystem::remove_all(folder_); }
  EditedFolder(const EditedFolder&) = delete;
  EditedFolder& operator=(const EditedFolder&) = delete;

  std::string path(const std::string& name) const { return folder_ + "/" + name; }
  std::string write(const std::string& name, std::string_view content, mode_t mode = 0644) const {
    std::ofstream(path(name)) << content;
    ::chmod(path(name).c_str(), mode);
    return path(name);
  }
  std::string read(const std::string& name) const { return base::read_file(path(name), 1 << 20).value(); }

 private:
  std::string folder_;
};

std::string add_line(std::string_view content) {
  return std::string(content) + "new\n";
}

TEST_F(EditedFolder, AFileKeepsItsMode) {
  edit_file(write("main.cf", "a\n", 0640), add_line);
  EXPECT_EQ(read("main.cf"), "a\nnew\n");
  EXPECT_EQ(base::stat_of(path("main.cf"))->st_mode & 07777, 0640U);
}

TEST_F(EditedFolder, ALinkStaysALink) {
  write("real.cf", "a\n");
  std::filesystem::create_symlink("real.cf", path("main.cf"));
  edit_file(path("main.cf"), add_line);
  EXPECT_TRUE(std::filesystem::is_symlink(path("main.cf")));
  EXPECT_EQ(read("real.cf"), "a\nnew\n");
}

TEST_F(EditedFolder, AFailedEditLeavesEverythingAsItWas) {
  write("main.cf", "a\n");
  EXPECT_THROW(edit_file(path("main.cf"), [](std::string_view) -> std::string { throw base::Fatal("no"); }),
               base::Fatal);
  EXPECT_EQ(read("main.cf"), "a\n");
  EXPECT_FALSE(std::filesystem::exists(path("main.cf.tmp")));
}

TEST_F(EditedFolder, AReaderKeepsTheFileThatItOpened) {
  write("main.cf", "old\n");
  const base::Fd reader = base::open_for_reading(path("main.cf")).value();
  edit_file(path("main.cf"), add_line);
  char buffer[16] = {};
  EXPECT_EQ(::read(reader.get(), buffer, sizeof buffer), 4);
}

TEST_F(EditedFolder, NoEditOfManyAtOnceIsLost) {
  write("main.cf", "");
  const auto edit = [this] {
    for (int i = 0; i < 20; ++i) edit_file(path("main.cf"), add_line);
  };
  std::vector<std::jthread> editors;
  for (int i = 0; i < 4; ++i) editors.emplace_back(edit);
  editors.clear();
  EXPECT_EQ(read("main.cf").size(), 4 * 20 * std::string_view("new\n").size());
}

TEST_F(EditedFolder, WhatIsNotAFileIsRefused) {
  EXPECT_THROW(edit_file(path("absent"), add_line), base::Fatal);
  std::filesystem::create_directory(path("folder"));
  EXPECT_THROW(edit_file(path("folder"), add_line), base::Fatal);
}

Request request(Subject subject, Action action, std::vector<std::string> operands) {
  Request made;
  made.subject = subject;
  made.action = action;
  made.operands = std::move(operands);
  return made;
}

std::string edited_main(std::string_view content, Action action, std::vector<std::string> operands) {
  std::vector<std::string> warnings;
  const auto edits = parse_main_edits(request(Subject::parameters, action, std::move(operands)), warnings);
  return edit_main_cf(content, edits, action, "main.cf", warnings);
}

TEST(EditMainCf, ReplacesASettingWithItsContinuationAndKeepsComments) {
  EXPECT_EQ(edited_main("# h\na = 1\n # c\n  2\nb=3\n", Action::edit, {"a=9"}), "# h\na = 9\n # c\nb=3\n");
}

TEST(EditMainCf, PutsNewSettingsAtTheEnd) {
  EXPECT_EQ(edited_main("a = 1\n", Action::edit, {"b=2", "c = 3"}), "a = 1\nb = 2\nc = 3\n");
  EXPECT_EQ(edited_main("a = 1", Action::edit, {"b=2"}), "a = 1\nb = 2\n");
  EXPECT_EQ(edited_main("", Action::edit, {"b=2"}), "b = 2\n");
}

TEST(EditMainCf, RemovesAndCommentsOut) {
  EXPECT_EQ(edited_main("a = 1\n 2\nb = 3\n", Action::remove, {"a"}), "b = 3\n");
  EXPECT_EQ(edited_main("a = 1\n 2\nb = 3\n", Action::comment_out, {"a"}), "#a = 1\n# 2\nb = 3\n");
}

TEST(EditMainCf, RefusesWhatWouldBeAnotherLine) {
  EXPECT_THROW(edited_main("", Action::edit, {"a=1\nb=2"}), base::Fatal);
  EXPECT_THROW(edited_main("", Action::edit, {"#a=1"}), base::Fatal);
  EXPECT_THROW(edited_main("", Action::edit, {"a"}), base::Fatal);
  EXPECT_THROW(edited_main("", Action::remove, {" "}), base::Fatal);
}

TEST(EditMainCf, SaysWhenThereAreSeveralEntries) {
  std::vector<std::string> warnings;
  edit_main_cf("a=1\na=2\na=3\n", {{"a", "4"}}, Action::edit, "main.cf", warnings);
  EXPECT_EQ(warnings, std::vector<std::string>{"main.cf: multiple entries for \"a\""});
}

std::string edited_master(std::string_view content, Subject subject, Action action, std::vector<std::string> operands) {
  const Request made = request(subject, action, std::move(operands));
  std::vector<std::string> warnings;
  return edit_master_cf(content, parse_service_edits(made), made, "master.cf", warnings);
}

TEST(EditMasterCf, LeavesOtherEntriesAlone) {
  EXPECT_EQ(edited_master("# h\na  unix - - - - - x\n  y\nb unix - - - - - z\n", Subject::services, Action::remove,
                          {"a/unix"}),
            "# h\nb unix - - - - - z\n");
}

TEST(EditMasterCf, ChangesAField) {
  EXPECT_EQ(edited_master("a unix - - - - - x -o b=c\n", Subject::service_fields, Action::edit, {"a/unix/chroot=y"}),
            "a          unix  -       -       y       -       -       x\n    -o b=c\n");
}

TEST(EditMasterCf, ChangesAddsAndRemovesParameters) {
  const std::string start = "a          unix  -       -       -       -       -       x";
  EXPECT_EQ(edited_master("a unix - - - - - x -o b=c d\n", Subject::service_parameters, Action::edit,
                          {"a/unix/b=9", "a/unix/e=f"}),
            start + "\n    -o b=9\n    -o e=f\n    d\n");
  EXPECT_EQ(edited_master("a unix - - - - - x -o b=c d\n", Subject::service_parameters, Action::remove, {"a/unix/b"}),
            start + " d\n");
}

TEST(EditMasterCf, NeverWritesWhatItWouldNotReadBack) {
  const char* content = "a unix - - - - - x y\n";
  EXPECT_THROW(edited_master(content, Subject::service_parameters, Action::edit, {"a/unix/b={c"}), base::Fatal);
  EXPECT_THROW(edited_master(content, Subject::service_fields, Action::edit, {"a/unix/service=#a"}), base::Fatal);
  EXPECT_THROW(edited_master(content, Subject::service_fields, Action::edit, {"a/unix/chroot="}), base::Fatal);
  EXPECT_THROW(edited_master("a unix - -\n", Subject::service_fields, Action::edit, {"a/unix/chroot=n"}), base::Fatal);
}

}  // namespace
}  // namespace postconf
