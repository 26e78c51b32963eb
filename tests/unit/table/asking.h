#pragma once
// The words in which the tests of this folder ask tables.

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "logging/log.h"
#include "table/open.h"

namespace table {

inline constexpr std::string_view kNothing = "(nothing)";

inline std::string told(const Answer& answer) {
  if (!answer) return "ERROR " + answer.error().text;
  return *answer ? **answer : std::string(kNothing);
}

inline Settings without_utf8() {
  Settings settings;
  settings.smtputf8 = false;
  return settings;
}

// What the table of that name says, or why it cannot be opened.
inline std::string ask(std::string_view name, std::string_view key, const Settings& settings = without_utf8(),
                       const Options& options = {}) {
  const auto table = open(name, settings, options);
  if (!table) return "ERROR " + table.error().text;
  return told((*table)->lookup(key));
}

// The warnings since the capture began, joined by `|`, without "<prefix>".
inline std::string warnings(const logging::Capture& capture, std::string_view prefix) {
  std::string all;
  for (const auto& event : capture.events()) {
    if (!all.empty()) all += '|';
    const std::string_view text = event.text;
    all += text.starts_with(prefix) ? text.substr(prefix.size()) : text;
  }
  return all;
}

// A file that lives as long as the object.
class TemporaryFile {
 public:
  explicit TemporaryFile(std::string_view content) {
    char path[] = "/tmp/table_test_XXXXXX";
    ::close(::mkstemp(path));
    path_ = path;
    std::ofstream(path_, std::ios::binary) << content;
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  ~TemporaryFile() { std::filesystem::remove(path_); }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace table
