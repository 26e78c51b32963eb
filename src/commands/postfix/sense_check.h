#pragma once
// Settings that can be read, but cannot be meant: lists that nothing can match, domains of two classes, accounts that
// must not be one.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postfix/installation.h"

namespace postfix {

// The names that two lists of domains have in common; what is no plain name (tables, files, !name) is left out.
std::vector<std::string> common_names(std::string_view list, std::string_view other);

// Lines of a main.cf that look like a setting of a known parameter, but begin with a blank and so go on with the value
// above: `name` is the parameter that was meant, `into` the one that has it now.
struct SwallowedSetting {
  int line;
  std::string name, into;
};
std::vector<SwallowedSetting> swallowed_settings(std::string_view main_cf);

// The ids of mail_owner, setgid_group and default_privs, and what must not be the same.
struct Accounts {
  std::string mail_owner, setgid_group, default_privs;
  uid_t owner_uid = 0;
  gid_t owner_gid = 0;
  gid_t setgid_gid = 0;
  std::optional<uid_t> privs_uid;
  std::optional<gid_t> privs_gid;
  std::string other_name_of_owner;  // of the account that has the same number
};
std::vector<std::string> clashes(const Accounts& accounts);

// Directories that cannot be used, whatever is in them.
bool has_usable_directories(const Installation& installation);

// No folder of programs is another mail system's, as where main.cf still names Postfix's own.
bool has_own_programs(const Installation& installation);
bool is_foreign(const std::string& program);

// Whether inet_interfaces names addresses of this machine: no program that must know its own addresses could run.
bool has_own_addresses(const Installation& installation);

// Whoever gets hold of one account must not have another's rights with it; tells what is wrong.
bool has_separate_accounts(const Installation& installation);

void check_sense(const Installation& installation, Tally& tally);

}  // namespace postfix
