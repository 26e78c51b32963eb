#include "base/accounts.h"

#include <fmt/format.h>
#include <pwd.h>

#include <cerrno>
#include <vector>

namespace base {

namespace {

constexpr std::size_t kFirstSpace = 4096;
constexpr std::size_t kMostSpace = std::size_t{1024} * 1024;

}  // namespace

std::expected<std::optional<std::string>, Error> account_name(uid_t uid) {
  int problem = ERANGE;
  for (std::size_t size = kFirstSpace; problem == ERANGE && size <= kMostSpace; size *= 4) {
    std::vector<char> space(size);
    struct passwd entry{};
    struct passwd* found = nullptr;
    do {
      problem = ::getpwuid_r(uid, &entry, space.data(), space.size(), &found);
    } while (problem == EINTR);
    if (found != nullptr) return entry.pw_name;
    // Some name services say "no such entry" in this way.
    if (problem == 0 || problem == ENOENT || problem == ESRCH) return std::nullopt;
  }
  return std::unexpected(Error{with_errno(fmt::format("cannot look up user id {}", uid), problem)});
}

}  // namespace base
