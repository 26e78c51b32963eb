#include "delivery/identity.h"

#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "logging/log.h"

namespace delivery {

namespace {

// The C library's calls would change all threads, by a signal to each, at every step: a message took thirty times as
// long. Only this thread opens files; the others (the watchdog) stay who they are.
constexpr uid_t kLeave = static_cast<uid_t>(-1);

bool set_effective_user(uid_t uid) {
  return ::syscall(SYS_setresuid, kLeave, uid, kLeave) == 0;
}
bool set_effective_group(gid_t gid) {
  return ::syscall(SYS_setresgid, kLeave, gid, kLeave) == 0;
}
bool set_groups(const std::vector<gid_t>& groups) {
  return ::syscall(SYS_setgroups, groups.size(), groups.data()) == 0;
}

// The groups first, while we are root; the user last, who may change neither. Checked, because a call that quietly did
// nothing would deliver as root.
bool put_on(const Ids& ids, const std::vector<gid_t>& groups) {
  if (::geteuid() != 0 && !set_effective_user(0)) return false;
  if (!set_groups(groups) || !set_effective_group(ids.gid)) return false;
  if (ids.uid != 0 && !set_effective_user(ids.uid)) return false;
  return ::geteuid() == ids.uid && ::getegid() == ids.gid;
}

[[noreturn]] void give_up(int reason) {
  logging::fatal("delivery.identity", "{problem}",
                 {{"problem", base::with_errno("cannot return from a recipient's identity", reason)}});
  ::_exit(1);
}

std::vector<gid_t> present_groups() {
  const int count = ::getgroups(0, nullptr);
  if (count <= 0) return {};
  std::vector<gid_t> groups(static_cast<std::size_t>(count));
  const int got = ::getgroups(count, groups.data());
  groups.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return groups;
}

}  // namespace

bool is_privileged() {
  uid_t real = 0;
  uid_t effective = 0;
  uid_t saved = 0;
  return ::getresuid(&real, &effective, &saved) == 0 && (real == 0 || effective == 0 || saved == 0);
}

std::expected<Identity, base::Error> Identity::become(const Ids& ids) {
  Identity identity;
  if (!is_privileged()) {
    if (ids.uid == ::geteuid()) return identity;
    return std::unexpected(base::Error{
        fmt::format("cannot deliver as user id {}: the mail system runs without root privileges, as user id {}",
                    ids.uid, ::geteuid())});
  }
  identity.before_ = {::geteuid(), ::getegid()};
  identity.groups_before_ = present_groups();
  if (!put_on(ids, {ids.gid})) {
    const int reason = errno;
    if (!put_on(identity.before_, identity.groups_before_)) give_up(errno);
    return std::unexpected(
        base::Error{base::with_errno(fmt::format("cannot act as user id {}, group id {}", ids.uid, ids.gid), reason)});
  }
  identity.changed_ = true;
  return identity;
}

Identity::Identity(Identity&& other) noexcept
    : changed_(std::exchange(other.changed_, false)),
      before_(other.before_),
      groups_before_(std::move(other.groups_before_)) {}

Identity::~Identity() {
  if (changed_ && !put_on(before_, groups_before_)) give_up(errno);
}

}  // namespace delivery
