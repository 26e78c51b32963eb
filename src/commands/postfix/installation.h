#pragma once
// The mail system that a command is about, as main.cf describes it.

#include <sys/types.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "logging/log.h"

namespace postfix {

struct Installation {
  const config::Config& config;
  std::string config_directory;
  std::string command_directory;
  std::string daemon_directory;
  std::string queue_directory;
  std::string data_directory;
  bool rootless = false;  // an ordinary user runs all of it, and owns all of it

  // mail_owner and setgid_group; nothing when there is no such account.
  std::optional<uid_t> owner;
  std::optional<gid_t> owner_group;
  std::optional<gid_t> setgid_group;
};
Installation describe(const config::Config& config);

// What the user and the log are told: "postfix/postfix-script: warning: ...".
void say(logging::Level level, std::string_view text);
inline void inform(std::string_view text) {
  say(logging::Level::info, text);
}
inline void warn(std::string_view text) {
  say(logging::Level::warning, text);
}
inline void complain(std::string_view text) {
  say(logging::Level::error, text);
}

// What a check found, in two classes: what would cost mail or keeps the system from starting, and all else.
struct Tally {
  int errors = 0;
  int warnings = 0;
};

// Runs a program of the suite and waits for it; its exit status, or 128 and the signal. Standard descriptors are ours.
int run_program(const std::string& path, const std::vector<std::string>& arguments);
// In the background, not waited for.
void start_program(const std::string& path, const std::vector<std::string>& arguments);
[[noreturn]] void become_program(const std::string& path, const std::vector<std::string>& arguments);

}  // namespace postfix
