// texthash: the text that postmap would make an indexed table from, read into memory.
#include "table/texthash.h"

#include <sys/stat.h>

#include <ctime>

#include "base/file.h"
#include "base/text.h"
#include "io/wait.h"
#include "logging/log.h"
#include "table/source_files.h"
#include "table/text_entry.h"
#include "table/types.h"

namespace table {

namespace {

// Half of a table is worse than a late one: a file that was written to just now is left alone until its writer pauses.
constexpr auto kPause = std::chrono::milliseconds(300);
constexpr auto kPatience = std::chrono::seconds(3);

struct Sight {
  timespec modified{};
  off_t size = 0;
  bool operator==(const Sight& other) const {
    return modified.tv_sec == other.modified.tv_sec && modified.tv_nsec == other.modified.tv_nsec && size == other.size;
  }
};

Sight look_at(int fd) {
  struct stat status{};
  if (::fstat(fd, &status) != 0) return {};
  return {status.st_mtim, status.st_size};
}

void wait_for_the_writer(int fd, io::Deadline patience) {
  while (!patience.passed()) {
    timespec now{};
    ::clock_gettime(CLOCK_REALTIME, &now);
    const timespec modified = look_at(fd).modified;
    // Long ago, or a time to come, which says nothing.
    if (now.tv_sec - modified.tv_sec > 1 || modified.tv_sec - now.tv_sec > 1) return;
    const auto age =
        std::chrono::seconds(now.tv_sec - modified.tv_sec) + std::chrono::nanoseconds(now.tv_nsec - modified.tv_nsec);
    if (age >= kPause || age < -kPause) return;
    io::sleep_until(io::Deadline::after(kPause - age).or_earlier(patience));
  }
}

}  // namespace

std::expected<std::unique_ptr<MemoryTable>, Error> read_texthash(const std::string& argument,
                                                                 base::LogicalLineReader reader,
                                                                 const Options& options) {
  auto table = std::make_unique<MemoryTable>("texthash:" + argument, options);
  while (true) {
    const auto line = reader.next();
    if (!line) return std::unexpected(Error{line.error().text});
    if (!*line) return table;
    const std::string_view text = (*line)->text;
    const auto warn = [&](std::string_view event, const std::string& problem) {
      logging::warning(event, "{file}, line {line}: {problem}",
                       {{"file", argument}, {"line", (*line)->first_line}, {"problem", problem}});
    };
    if (options.utf8 && !base::is_valid_utf8(text)) {
      warn("table.line", fmt::format("non-UTF-8 input \"{}\" -- ignoring this line", text));
      continue;
    }
    if (base::is_blank(text.front())) {
      warn("table.line", fmt::format("logical line must not start with whitespace: \"{}\"", text));
      continue;
    }
    const auto entry = parse_text_entry(text);
    if (!entry) {
      warn("table.line", entry.error() + " -- ignoring this line");
      continue;
    }
    if (entry->looks_like_alias) warn("table.line", "record is in \"key: value\" format; is this an alias file?");
    std::string value(entry->value);
    if (options.values_are_files) {
      auto content = encode_files(value);
      if (!content) {
        warn("table.line", content.error().text + ": skipping this entry");
        continue;
      }
      value = std::move(*content);
    }
    if (table->add(entry->key, value)) continue;
    warn("table.duplicate_key", fmt::format("duplicate entry: \"{}\"", entry->key));
  }
}

Opened open_texthash(const std::string& argument, const Settings&, const Options& options) {
  if (options.access != Access::read) return std::unexpected(read_only("texthash:" + argument));
  const auto patience = io::Deadline::after(kPatience);
  while (true) {
    const auto fd = base::open_for_reading(argument);
    if (!fd) {
      return std::unexpected(Error{"open database " + fd.error().text.substr(std::string_view("open ").size())});
    }
    wait_for_the_writer(fd->get(), patience);
    const Sight before = look_at(fd->get());
    auto table = read_texthash(argument, base::LogicalLineReader(fd->get(), argument, base::kTableLineLimits), options);
    if (!(look_at(fd->get()) == before)) {
      if (!patience.passed()) continue;
      logging::warning("table.changing", "database file {file} changes while it is read", {{"file", argument}});
    }
    if (!table) return std::unexpected(table.error());
    return std::move(*table);
  }
}

}  // namespace table
