#include "postmap/privileges.h"

#include <grp.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "base/error.h"

namespace postmap {

std::optional<RunAs::Identity> RunAs::owner_of(const struct stat& file) {
  if (::geteuid() != 0 || file.st_uid == 0) return std::nullopt;
  return Identity{file.st_uid, file.st_gid};
}

RunAs::RunAs(std::optional<Identity> identity) {
  if (!identity) return;
  const auto fail = [](const char* what) { throw base::Fatal(base::with_errno(what, errno)); };
  group_before_ = ::getegid();
  const int count = ::getgroups(0, nullptr);
  if (count < 0) fail("getgroups");
  groups_before_.resize(static_cast<std::size_t>(count));
  if (::getgroups(count, groups_before_.data()) < 0) fail("getgroups");
  if (::setgroups(1, &identity->gid) != 0) fail("setgroups");
  if (::setegid(identity->gid) != 0) fail("setegid");
  if (::seteuid(identity->uid) != 0) fail("seteuid");
  changed_ = true;
}

RunAs::~RunAs() {
  if (!changed_) return;
  // To go on with the wrong identity would be worse than to end here.
  if (::seteuid(0) != 0 || ::setegid(group_before_) != 0 ||
      ::setgroups(groups_before_.size(), groups_before_.data()) != 0) {
    std::abort();
  }
}

}  // namespace postmap
