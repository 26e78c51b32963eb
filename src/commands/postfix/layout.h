#pragma once
// What must be where, whose it is, and what others may do there.

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "postfix/installation.h"

namespace postfix {

enum class User { root, owner };
enum class Group { any, setgid };

struct Directory {
  std::string path;
  User user;
  Group group;
  mode_t mode;               // as it is made
  mode_t forbidden;          // bits that a mode must not have; distributions differ in the others
  bool has_content_of_user;  // set-permissions goes through what is in it
};
std::vector<Directory> directories(const Installation& installation);

// Programs that ordinary users run with the rights of setgid_group.
constexpr mode_t kSetgidMode = 02755;
std::vector<std::string> setgid_programs(const Installation& installation);

// Makes what is missing. False when something cannot be made: there is an error about it.
bool create_missing(const Installation& installation);

// Warns of what is not as it should be, and changes nothing.
void check_ownership(const Installation& installation, Tally& tally);

// Makes all of it as it should be. False as above.
bool set_permissions(const Installation& installation);

}  // namespace postfix
