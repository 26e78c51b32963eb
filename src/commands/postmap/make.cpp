#include "postmap/make.h"

#include <sys/stat.h>
#include <unistd.h>

#include <ctime>

#include "base/error.h"
#include "base/file.h"
#include "config/param.h"
#include "logging/log.h"
#include "postmap/privileges.h"
#include "table/build.h"
#include "table/source_files.h"

namespace postmap {

namespace {

constexpr mode_t kDefaultMode = 0644;

using Ownership = base::ReplacementFile::Ownership;

// What the index of a source with this status looks like.
Ownership ownership_of(const Request& request, const struct stat& source) {
  Ownership ownership{source.st_uid, source.st_gid, kDefaultMode};
  if (request.keep_root) {
    ownership.uid = ::geteuid();
    ownership.gid = ::getegid();
  }
  // Never writable by others, and always by the owner.
  if (request.inherit_mode) ownership.mode = (source.st_mode & 0644U) | 0600U;
  return ownership;
}

void must(const std::expected<void, table::Error>& done) {
  if (!done) throw base::Fatal(done.error().text);
}

// Sendmail and NIS look for these.
void add_service_keys(table::Builder& builder, const config::Config& config) {
  must(builder.add("@", "@"));
  must(builder.add_verbatim("YP_LAST_MODIFIED", std::to_string(std::time(nullptr))));
  must(builder.add_verbatim("YP_MASTER_NAME", config[config::param::myhostname]));
}

// Puts the content of the files in the place of their names; false when the entry is to be passed over.
bool read_files(table::SourceEntry& entry, const std::string& source) {
  auto content = table::encode_files(entry.value);
  if (content) {
    entry.value = std::move(*content);
    return true;
  }
  logging::warning("postmap.value_file", "{file}, line {line}: {reason}: skipping this entry",
                   {{"file", source}, {"line", entry.line}, {"reason", content.error().text}});
  return false;
}

void copy_entries(const Request& request, table::Source& source, const std::string& table_name,
                  table::Builder& builder) {
  while (true) {
    auto entry = source.next();
    if (!entry) throw base::Fatal(entry.error().text);
    if (!*entry) return;
    if (request.options.values_are_files && !read_files(**entry, source.name())) continue;
    if ((*entry)->key.empty()) {
      logging::warning("table.empty_key", "table {table}: empty lookup key value is not allowed",
                       {{"table", table_name}});
    }
    must(builder.add((*entry)->key, (*entry)->value));
  }
}

std::unique_ptr<table::Builder> must_build(std::expected<std::unique_ptr<table::Builder>, table::Error> builder) {
  if (!builder) throw base::Fatal(builder.error().text);
  return std::move(*builder);
}

bool checks_utf8(const Request& request, const table::Settings& settings) {
  return request.options.utf8 && settings.smtputf8;
}

void fill(const Request& request, const config::Config& config, table::Source& source, const std::string& table_name,
          table::Builder& builder, bool amending) {
  copy_entries(request, source, table_name, builder);
  if (request.dialect->syntax == table::SourceSyntax::alias) {
    if (amending) {
      auto removed = builder.remove("@");
      if (!removed) throw base::Fatal(removed.error().text);
    }
    add_service_keys(builder, config);
  }
  must(builder.commit());
}

void make_table(const Request& request, const config::Config& config, const table::Settings& settings,
                std::string_view type, const std::string& path) {
  if (type == "proxy") throw base::Fatal("can't create maps via the proxy service");
  const auto fd = base::open_for_reading(path);
  if (!fd) throw base::Fatal(fd.error().text);
  struct stat status{};
  if (::fstat(fd->get(), &status) != 0) throw base::Fatal(base::with_errno("stat " + path, errno));
  if (S_ISDIR(status.st_mode)) throw base::Fatal("open " + path + ": Is a directory");
  const RunAs owner(request.keep_root ? RunAs::nobody_else() : RunAs::owner_of(status));
  table::Source source(fd->get(), path, request.dialect->syntax, checks_utf8(request, settings));
  const auto builder = must_build(table::build(type, path, settings, request.options, ownership_of(request, status)));
  fill(request, config, source, fmt::format("{}:{}", type, path), *builder, false);
}

void amend_table(const Request& request, const config::Config& config, const table::Settings& settings,
                 std::string_view type, const std::string& path) {
  struct stat status{};
  const bool from_file = ::fstat(STDIN_FILENO, &status) == 0 && S_ISREG(status.st_mode);
  const RunAs owner(request.keep_root || !from_file ? RunAs::nobody_else() : RunAs::owner_of(status));
  const Ownership ownership =
      from_file ? ownership_of(request, status) : Ownership{::geteuid(), ::getegid(), kDefaultMode};
  const std::string index = table::index_file_of(type, path);
  const bool is_new = !index.empty() && ::access(index.c_str(), F_OK) != 0 && errno == ENOENT && type != "cdb";
  table::Source source(STDIN_FILENO, "stdin", request.dialect->syntax, checks_utf8(request, settings));
  const auto builder = must_build(is_new ? table::build(type, path, settings, request.options, ownership)
                                         : table::amend(type, path, settings, request.options, ownership));
  fill(request, config, source, fmt::format("{}:{}", type, path), *builder, !is_new);
}

}  // namespace

int make_tables(const Request& request, const config::Config& config) {
  const auto settings = table::Settings::from(config);
  for (const std::string& name : request.tables) {
    const auto [type, path] = table::split_name(name, settings);
    make_table(request, config, settings, type, std::string(path));
  }
  return 0;
}

int amend_tables(const Request& request, const config::Config& config) {
  const auto settings = table::Settings::from(config);
  for (const std::string& name : request.tables) {
    const auto [type, path] = table::split_name(name, settings);
    amend_table(request, config, settings, type, std::string(path));
  }
  return 0;
}

}  // namespace postmap
