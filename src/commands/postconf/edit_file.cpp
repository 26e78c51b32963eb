#include "postconf/edit_file.h"

#include <climits>
#include <cstdlib>
#include <memory>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"

namespace postconf {

namespace {

constexpr std::size_t kLargestFile = 64UL * 1024 * 1024;

template <class T>
T or_fatal(std::expected<T, base::Error> result) {
  if (!result) throw base::Fatal(result.error().text);
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

// The file itself is replaced, not a link to it.
std::string resolve_links(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr), &std::free);
  if (!real) throw base::Fatal(base::errno_error("open " + path + " for reading").text);
  return real.get();
}

}  // namespace

void edit_file(const std::string& path, const std::function<std::string(std::string_view content)>& change) {
  const std::string file = resolve_links(path);
  const struct stat before = or_fatal(base::stat_of(file));
  if (!S_ISREG(before.st_mode)) throw base::Fatal("edit " + path + ": not a regular file");
  auto replacement = or_fatal(base::ReplacementFile::create(file, {before.st_uid, before.st_gid, before.st_mode}));
  // Only now, with the lock, does nobody else change what we are going to read.
  const std::string old_content = or_fatal(base::read_file(file, kLargestFile));
  const std::string new_content = change(old_content);
  if (new_content == old_content) return;
  or_fatal(base::write_fully(replacement.fd(), new_content, replacement.temporary_path()));
  or_fatal(replacement.commit());
}

LineKind kind_of(std::string_view line) {
  const std::string_view text = base::trim_left(line);
  if (text.empty() || text.front() == '#') return LineKind::comment;
  return base::is_blank(line.front()) ? LineKind::continuation : LineKind::start;
}

void for_each_line(std::string_view content, const std::function<void(std::string_view line, LineKind kind)>& use) {
  while (!content.empty()) {
    const auto newline = content.find('\n');
    if (newline == std::string_view::npos) {
      const std::string last = std::string(content) + '\n';
      return use(last, kind_of(last));
    }
    const std::string_view line = content.substr(0, newline + 1);
    use(line, kind_of(line));
    content.remove_prefix(newline + 1);
  }
}

}  // namespace postconf
