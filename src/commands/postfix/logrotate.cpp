#include "postfix/logrotate.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <iomanip>
#include <sstream>

#include "base/error.h"
#include "base/text.h"
#include "config/param.h"
#include "postfix/control.h"

namespace postfix {

namespace param = config::param;

std::string rotated_name(const std::string& file, const std::string& suffix_format, const std::tm& now) {
  std::ostringstream suffix;
  suffix << std::put_time(&now, suffix_format.c_str());
  const std::string text = suffix.str();
  if (text.empty() || text.contains('/') || text.contains('\0')) {
    throw base::Fatal(fmt::format("bad maillog_file_rotate_suffix: \"{}\"", base::printable(suffix_format)));
  }
  return file + "." + text;
}

int logrotate(const Installation& installation) {
  const std::string& file = installation.config[param::maillog_file];
  if (file.empty()) throw base::Fatal("maillog_file is not set: there is no log file to rotate");
  if (file.starts_with("/dev/")) throw base::Fatal(fmt::format("not rotating '{}'", file));
  const std::time_t now = std::time(nullptr);
  std::tm local{};
  ::localtime_r(&now, &local);
  const std::string old = rotated_name(file, installation.config[param::maillog_file_rotate_suffix], local);
  if (::access(old.c_str(), F_OK) == 0) {
    throw base::Fatal(fmt::format("logfile '{}' rotation failed: {} exists already", file, old));
  }
  if (::rename(file.c_str(), old.c_str()) != 0) {
    throw base::Fatal(base::with_errno(fmt::format("logfile '{}' rotation failed: rename to {}", file, old), errno));
  }
  if (const auto pid = master_process(installation)) {
    // The master opens its log anew, and so does each process that it starts from then on.
    if (::kill(*pid, SIGHUP) != 0) warn(base::with_errno("signal the mail system", errno));
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (::access(file.c_str(), F_OK) != 0 && std::chrono::steady_clock::now() < end) ::poll(nullptr, 0, 10);
    // Processes that complete a client have the old file open for a moment still.
    ::poll(nullptr, 0, 1000);
  }
  const auto words = base::split(installation.config[param::maillog_file_compressor]);
  if (words.empty()) return 0;
  std::vector<std::string> arguments(words.begin() + 1, words.end());
  std::string program(words.front());
  arguments.push_back(old);
  if (!program.contains('/')) {
    arguments.insert(arguments.begin(), program);
    program = "/usr/bin/env";
  }
  if (const int result = run_program(program, arguments); result != 0) {
    throw base::Fatal(
        fmt::format("logfile '{}' compression failed: {} ended with status {}", old, words.front(), result));
  }
  return 0;
}

}  // namespace postfix
