#pragma once
// A queue directory for one test, which is the working directory as long as the object lives.

#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <stdexcept>
#include <string>
#include <string_view>

#include "queue/spare.h"
#include "queue/spool.h"

namespace tests {

class SpoolFolder {
 public:
  SpoolFolder() : before_(std::filesystem::current_path()) {
    std::string path = (std::filesystem::temp_directory_path() / "spool-XXXXXX").string();
    if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp");
    path_ = path;
    std::filesystem::current_path(path_);
    for (int folder = 0; folder <= static_cast<int>(queue::Folder::saved); ++folder) {
      std::filesystem::create_directory(queue::name_of(static_cast<queue::Folder>(folder)));
    }
    std::filesystem::create_directory(queue::kSpareFolder);
  }
  SpoolFolder(const SpoolFolder&) = delete;
  SpoolFolder& operator=(const SpoolFolder&) = delete;
  ~SpoolFolder() {
    std::error_code ignored;
    std::filesystem::current_path(before_, ignored);
    std::filesystem::remove_all(path_, ignored);
  }

  const std::filesystem::path& path() const { return path_; }

  // All files below, relative to the queue directory.
  static std::set<std::string> files() {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(".")) {
      if (!std::filesystem::is_directory(entry.symlink_status())) all.insert(entry.path().lexically_normal().string());
    }
    return all;
  }
  static std::string content(const std::string& path) {
    std::ifstream stream(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(stream), {}};
  }
  static void put(const std::string& path, std::string_view content, mode_t mode = 0700) {
    const auto parent = std::filesystem::path(path).parent_path();
    if (!parent.empty()) std::filesystem::create_directories(parent);
    {
      std::ofstream stream(path, std::ios::binary | std::ios::trunc);
      stream.write(content.data(), static_cast<std::streamsize>(content.size()));
    }
    (void)::chmod(path.c_str(), mode);
  }
  static mode_t mode(const std::string& path) {
    struct stat status{};
    return ::lstat(path.c_str(), &status) == 0 ? status.st_mode & 07777 : 0;
  }

 private:
  std::filesystem::path before_;
  std::filesystem::path path_;
};

}  // namespace tests
