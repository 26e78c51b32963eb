#include "base/accounts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <pwd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "base/fd.h"

namespace base {

namespace {

constexpr std::size_t kFirstSpace = 4096;
constexpr std::size_t kMostSpace = std::size_t{1024} * 1024;

constexpr std::size_t kMemory = std::size_t{64} * 1024;  // what reading a file of accounts takes, and more

}  // namespace

std::expected<void, Error> name_service_can_work() {
  const Fd fd(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) return std::unexpected(Error{std::strerror(errno)});
  void* volatile const memory = std::malloc(kMemory);  // volatile: else nothing would be allocated
  if (memory == nullptr) return std::unexpected(Error{std::strerror(ENOMEM)});
  std::free(memory);
  return {};
}

std::expected<std::optional<std::string>, Error> account_name(uid_t uid) {
  const auto doubtful = [uid](const std::string& reason) {
    return std::unexpected(Error{fmt::format("cannot look up user id {}: {}", uid, reason)});
  };
  const auto before = name_service_can_work();
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
    if (problem == 0 || problem == ENOENT || problem == ESRCH) {
      if (!before) return doubtful(before.error().text);
      if (const auto after = name_service_can_work(); !after) return doubtful(after.error().text);
      return std::nullopt;
    }
  }
  return doubtful(std::strerror(problem));
}

}  // namespace base
