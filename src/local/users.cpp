#include "local/users.h"

#include <pwd.h>

#include <cerrno>
#include <vector>

#include "base/accounts.h"
#include "io/offload.h"

namespace local {

namespace {

constexpr std::size_t kFirstSpace = 4096;
constexpr std::size_t kMostSpace = std::size_t{1024} * 1024;

std::expected<std::optional<User>, base::Error> look_up(const std::string& name) {
  const auto before = base::name_service_can_work();
  for (std::size_t size = kFirstSpace; size <= kMostSpace; size *= 4) {
    std::vector<char> space(size);
    struct passwd entry{};
    struct passwd* found = nullptr;
    const int problem = ::getpwnam_r(name.c_str(), &entry, space.data(), space.size(), &found);
    if (problem == ERANGE) continue;
    if (problem == EINTR) return std::unexpected(base::Error{"user lookup was interrupted"});
    // Some name services say "no such entry" in this way.
    if (problem != 0 && problem != ENOENT && problem != ESRCH) {
      return std::unexpected(base::Error{base::with_errno("user lookup error", problem)});
    }
    if (found == nullptr) {
      for (const auto& able : {before, base::name_service_can_work()}) {
        if (!able) return std::unexpected(base::Error{"user lookup error: " + able.error().text});
      }
      return std::nullopt;
    }
    return User{.name = entry.pw_name,
                .ids = {entry.pw_uid, entry.pw_gid},
                .home = entry.pw_dir != nullptr ? entry.pw_dir : "",
                .shell = entry.pw_shell != nullptr ? entry.pw_shell : ""};
  }
  return std::unexpected(base::Error{"user lookup error: the entry is too long"});
}

}  // namespace

std::expected<std::optional<User>, base::Error> find_user(const std::string& name) {
  // No account has such a name, and none may become a path.
  if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") return std::nullopt;
  return io::offload([&] { return look_up(name); }, io::Pace::slow);
}

}  // namespace local
