#include "queue/walk.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/text.h"

namespace queue {

namespace {

// More than any hash_queue_depth: whoever can make directories here shall not use up our descriptors.
constexpr std::size_t kDeepest = 40;

bool is_hash_name(const char* name) {
  return (base::is_alnum(name[0]) || name[0] == '_') && name[1] == '\0';
}

unsigned char type_of(int directory, const dirent& entry) {
  if (entry.d_type != DT_UNKNOWN) return entry.d_type;
  struct stat status{};
  if (::fstatat(directory, entry.d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return DT_UNKNOWN;
  return static_cast<unsigned char>(IFTODT(status.st_mode));
}

}  // namespace

Walk::Walk(std::string top, Into into) : into_(into), path_(std::move(top)) {
  enter(AT_FDCWD, path_.c_str());
}

int Walk::directory() const {
  return levels_.empty() ? -1 : ::dirfd(levels_.back().stream.get());
}

void Walk::fail(std::string_view call) {
  const int number = errno;
  if (number == ENOENT || failure_) return;
  failure_ = base::Error{base::with_errno(fmt::format("{} {}", call, path_), number)};
}

// path_ names the directory, `name` is what it is called in `parent`.
void Walk::enter(int parent, const char* name) {
  base::Fd fd(::openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  if (!fd) return fail("open directory");
  DIR* const stream = ::fdopendir(fd.get());
  if (stream == nullptr) return fail("open directory");
  fd.release();
  path_.push_back('/');
  levels_.push_back({std::unique_ptr<DIR, Close>(stream), path_.size()});
}

std::optional<Walk::Entry> Walk::next() {
  while (!levels_.empty()) {
    Level& level = levels_.back();
    DIR* const stream = level.stream.get();
    path_.resize(level.path_length);
    errno = 0;
    const dirent* const entry = ::readdir(stream);
    if (entry == nullptr) {
      if (errno != 0) fail("read directory");
      levels_.pop_back();
      path_.pop_back();  // the slash
      if (levels_.empty()) return std::nullopt;
      return Entry{Kind::directory_left, std::string_view(path_).substr(levels_.back().path_length), path_, 0};
    }
    const char* const name = entry->d_name;
    if (std::strcmp(name, ".") == 0 || std::strcmp(name, "..") == 0) continue;
    path_.append(name);
    const unsigned char type = type_of(::dirfd(stream), *entry);
    if (type == DT_UNKNOWN) continue;  // gone meanwhile
    const bool is_hash_directory = type == DT_DIR && is_hash_name(name) && levels_.size() < kDeepest;
    if (is_hash_directory && into_ == Into::hash_directories) {
      enter(::dirfd(stream), name);
      continue;
    }
    const Kind kind = type == DT_REG ? Kind::file : is_hash_directory ? Kind::hash_directory : Kind::stranger;
    return Entry{kind, std::string_view(path_).substr(level.path_length), path_, entry->d_ino};
  }
  return std::nullopt;
}

}  // namespace queue
