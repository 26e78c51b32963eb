#include "service/privileges.h"

#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "base/error.h"
#include "config/param.h"

namespace service {

namespace {

namespace param = config::param;

[[noreturn]] void fail(std::string_view what) {
  throw base::Fatal(base::with_errno(what, errno));
}

base::Fatal bad_owner(const config::Config& config, std::string_view reason, std::string_view name) {
  return base::Fatal(fmt::format("file {}/main.cf: parameter mail_owner: {}: {}", config.directory(), reason, name));
}

}  // namespace

Account mail_owner(const config::Config& config) {
  const std::string& name = config[param::mail_owner];
  std::vector<char> space(64 * 1024);
  struct passwd entry{};
  struct passwd* found = nullptr;
  const int problem = ::getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &found);
  if (problem != 0) throw bad_owner(config, base::with_errno("cannot look up user", problem), name);
  if (found == nullptr) throw bad_owner(config, "unknown user", name);
  if (entry.pw_uid == 0) throw bad_owner(config, "user has the user ID of root", name);
  if (entry.pw_gid == 0) throw bad_owner(config, "user has the group ID of root", name);
  return {name, entry.pw_uid, entry.pw_gid};
}

void enter_chroot(const std::string& queue_directory) {
  ::tzset();  // the time zones stay outside
  if (::chroot(queue_directory.c_str()) != 0) fail("chroot " + queue_directory);
  if (::chdir("/") != 0) fail("chdir / in " + queue_directory);
}

void become(const Account& owner) {
  if (::setgroups(1, &owner.gid) != 0) fail("setgroups");
  if (::setresgid(owner.gid, owner.gid, owner.gid) != 0) fail("setresgid");
  if (::setresuid(owner.uid, owner.uid, owner.uid) != 0) fail("setresuid");
  uid_t uids[3];
  gid_t gids[3];
  if (::getresuid(&uids[0], &uids[1], &uids[2]) != 0 || ::getresgid(&gids[0], &gids[1], &gids[2]) != 0)
    fail("getresuid");
  for (const uid_t uid : uids) {
    if (uid != owner.uid) throw base::Fatal("could not become " + owner.name);
  }
  for (const gid_t gid : gids) {
    if (gid != owner.gid) throw base::Fatal("could not become the group of " + owner.name);
  }
  if (::getgroups(0, nullptr) > 1) throw base::Fatal("could not give up the groups of root");
  if (::setuid(0) == 0) throw base::Fatal("could become root again after it was given up");
}

void become_effectively(const Account& owner) {
  if (::setgroups(1, &owner.gid) != 0) fail("setgroups");
  if (::setegid(owner.gid) != 0) fail("setegid");
  if (::seteuid(owner.uid) != 0) fail("seteuid");
  if (::geteuid() != owner.uid || ::getegid() != owner.gid) throw base::Fatal("could not become " + owner.name);
}

void forbid_new_privileges() {
  if (::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) fail("prctl PR_SET_NO_NEW_PRIVS");
  if (::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0) fail("prctl PR_SET_DUMPABLE");
}

void raise_limits() {
  struct rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = limit.rlim_max;
    (void)::setrlimit(RLIMIT_NOFILE, &limit);
  }
  limit = {0, 0};
  (void)::setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace service
