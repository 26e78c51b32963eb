// Files that are not what they should be: each is told with its name, and costs no more memory than a line may have.
#include <sys/resource.h>
#include <sys/stat.h>

#include <random>

#include "asking.h"

namespace table {
namespace {

constexpr const char* kFileTypes[] = {"texthash", "regexp", "pcre", "cidr"};

std::string ask_file(const std::string& type, const std::string& path) {
  return ask(type + ":" + path, "a");
}

TEST(BadInput, ANulByteIsAnErrorWithFileAndLine) {
  const logging::Capture silence;
  const TemporaryFile file(std::string_view("# first\nx y\0z\n", 14));
  for (const std::string type : kFileTypes) {
    const std::string where = (type == "texthash" ? "" : type + " map ") + file.path() + ", line 2: ";
    EXPECT_EQ(ask_file(type, file.path()), "ERROR " + where + "the line contains a NUL byte; this is not a text file");
  }
}

TEST(BadInput, ADirectoryIsNoFile) {
  EXPECT_EQ(ask_file("texthash", "/tmp"), "ERROR read /tmp: Is a directory");
  for (const std::string type : {"regexp", "pcre", "cidr"}) {
    EXPECT_EQ(ask_file(type, "/tmp"), "ERROR " + type + " map /tmp: read error: Is a directory");
  }
}

TEST(BadInput, AMissingFileIsTold) {
  EXPECT_EQ(ask_file("texthash", "/nonexistent"), "ERROR open database /nonexistent: No such file or directory");
  for (const std::string type : {"regexp", "pcre", "cidr"}) {
    EXPECT_EQ(ask_file(type, "/nonexistent"), "ERROR open /nonexistent: No such file or directory");
  }
}

TEST(BadInput, AnUnreadableFileIsTold) {
  if (::geteuid() == 0) GTEST_SKIP() << "root reads everything";
  const TemporaryFile file("a b\n");
  ::chmod(file.path().c_str(), 0);
  for (const std::string type : kFileTypes) EXPECT_TRUE(ask_file(type, file.path()).ends_with(": Permission denied"));
}

TEST(BadInput, ALineWithoutAnEndCostsNoMoreThanALineMay) {
  const TemporaryFile file("a b\n");
  ASSERT_EQ(::truncate(file.path().c_str(), 1 << 30), 0);  // a hole, all of NUL bytes
  struct rusage before{};
  struct rusage after{};
  ::getrusage(RUSAGE_SELF, &before);
  for (const std::string type : kFileTypes) {
    const logging::Capture silence;
    EXPECT_TRUE(ask_file(type, file.path()).ends_with(", line 2: the line is longer than 8388608 bytes")) << type;
  }
  ::getrusage(RUSAGE_SELF, &after);
  EXPECT_LT(after.ru_maxrss - before.ru_maxrss, 200 * 1024);
}

TEST(BadInput, RandomBytesDoNoHarm) {
  const logging::Capture silence;
  std::mt19937 random(1);
  for (int round = 0; round < 30; ++round) {
    std::string noise;
    for (int i = 0; i < 3000; ++i) noise += static_cast<char>(random() % 255 + 1);
    const TemporaryFile file(noise);
    for (const std::string type : kFileTypes) ask_file(type, file.path());
  }
}

}  // namespace
}  // namespace table
