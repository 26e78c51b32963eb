#include "postfix/check.h"

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "config/param.h"
#include "postfix/layout.h"
#include "postfix/sense_check.h"
#include "postfix/service_check.h"
#include "postfix/smtp_server_check.h"
#include "postfix/table_check.h"

namespace postfix {

namespace {

namespace param = config::param;

std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names;
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(directory.c_str()), ::closedir);
  if (!list) return names;
  while (const dirent* entry = ::readdir(list.get())) {
    if (entry->d_name[0] != '.') names.emplace_back(entry->d_name);
  }
  std::ranges::sort(names);
  return names;
}

bool has_file_below(const std::string& directory, int depth) {
  constexpr int kDeepest = 4;
  const std::unique_ptr<DIR, int (*)(DIR*)> list(::opendir(directory.c_str()), ::closedir);
  if (!list || depth > kDeepest) return false;
  while (const dirent* entry = ::readdir(list.get())) {
    if (entry->d_name[0] == '.') continue;
    if (entry->d_type == DT_REG) return true;
    if (entry->d_type == DT_DIR && has_file_below(fmt::format("{}/{}", directory, entry->d_name), depth + 1))
      return true;
  }
  return false;
}

void check_corrupt(const Installation& installation, Tally& tally) {
  constexpr std::size_t kMostTold = 20;
  const auto names = names_in(installation.queue_directory + "/corrupt");
  for (std::size_t i = 0; i < std::min(names.size(), kMostTold); ++i) {
    ++tally.warnings;
    warn(fmt::format("damaged message: corrupt/{}; \"postcat -q {}\" shows what is left of it", names[i], names[i]));
  }
  if (names.size() > kMostTold) {
    ++tally.warnings;
    warn(fmt::format("{} more damaged messages in {}/corrupt", names.size() - kMostTold, installation.queue_directory));
  }
}

// Copies of system files for chrooted daemons must be what the others see.
void check_chroot_copies(const Installation& installation, Tally& tally) {
  constexpr std::size_t kLargest = 4 * 1024 * 1024;
  for (const std::string& name : names_in(installation.queue_directory + "/etc")) {
    const std::string original = "/etc/" + name;
    const std::string copy = installation.queue_directory + original;
    const auto a = base::read_file(original, kLargest);
    const auto b = base::read_file(copy, kLargest);
    if (!a || !b || *a == *b) continue;
    ++tally.warnings;
    warn(fmt::format("{} and {} differ", copy, original));
  }
}

void check_foreign(const Installation& installation, Tally& tally) {
  if (::access((installation.queue_directory + "/corrupt").c_str(), F_OK) != 0) return;
  for (const char* name : {"postdrop", "postqueue", "sendmail"}) {
    const std::string path = fmt::format("{}/{}", installation.command_directory, name);
    struct stat state{};
    if (::stat(path.c_str(), &state) != 0) {
      ++tally.warnings;
      warn(base::with_errno(fmt::format("program {} (command_directory)", path), errno));
    } else if ((state.st_mode & 0111) != 0111 && !installation.rootless) {
      ++tally.warnings;
      warn(fmt::format("not owner+group+world executable: {}; users cannot run it: \"chmod a+x {}\"", path, path));
    }
  }
}

// The master reads main.cf and master.cf just as it will; what it finds, it tells.
void check_configuration(const Installation& installation, Tally& tally) {
  const std::string master = installation.daemon_directory + "/master";
  if (is_foreign(master)) return;  // told already
  const int status = run_program(master, {"-c", installation.config_directory, "-TT"});
  if (status == 0) return;
  ++tally.errors;
  if (status == 127) complain(fmt::format("cannot run {} (daemon_directory)", master));
}

}  // namespace

bool is_fit_to_start(const Installation& installation) {
  if (!has_usable_directories(installation)) return false;
  if (!has_own_programs(installation)) return false;
  if (!has_separate_accounts(installation)) return false;
  if (!has_own_addresses(installation)) return false;
  if (!create_missing(installation)) {
    complain("unable to create missing queue directories");
    return false;
  }
  return true;
}

void look_over_settings(const Installation& installation) {
  Tally tally;
  check_tables(installation, tally);
  check_sense(installation, tally);
  check_services(installation, tally);
  check_transports(installation, tally);
  check_references(installation, tally);
  check_smtp_server(installation, tally);
}

void look_over(const Installation& installation) {
  Tally tally;
  check_ownership(installation, tally);
  check_tables(installation, tally);
  check_sense(installation, tally);
  check_services(installation, tally);
  check_transports(installation, tally);
  check_settings_of_daemons(installation, tally);
  check_references(installation, tally);
  check_smtp_server(installation, tally);
  check_corrupt(installation, tally);
  check_chroot_copies(installation, tally);
}

Tally check(const Installation& installation) {
  Tally tally;
  if (!is_fit_to_start(installation)) ++tally.errors;
  check_configuration(installation, tally);
  check_ownership(installation, tally);
  check_tables(installation, tally);
  check_sense(installation, tally);
  check_services(installation, tally);
  check_transports(installation, tally);
  check_settings_of_daemons(installation, tally);
  check_references(installation, tally);
  check_smtp_server(installation, tally);
  check_foreign(installation, tally);
  check_corrupt(installation, tally);
  check_chroot_copies(installation, tally);
  return tally;
}

bool has_messages(const Installation& installation, const std::vector<std::string>& queues) {
  return std::ranges::any_of(queues, [&](const std::string& queue) {
    return has_file_below(fmt::format("{}/{}", installation.queue_directory, queue), 0);
  });
}

}  // namespace postfix
