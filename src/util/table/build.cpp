#include "table/build.h"

#include <sys/stat.h>

#include "table/build_types.h"
#include "table/types.h"

namespace table {

namespace {

struct BuildableType {
  std::string_view type;
  std::string_view suffix;
  BuildType build;
  BuildType amend;
};

constexpr BuildableType kBuildable[] = {
    {"btree", ".db", build_btree, amend_btree}, {"cdb", ".cdb", build_cdb, amend_cdb},
    {"fail", "", build_fail, build_fail},       {"hash", ".db", build_hash, amend_hash},
    {"lmdb", ".lmdb", build_lmdb, amend_lmdb},
};

const BuildableType* find_buildable(std::string_view type) {
  const auto* found = std::ranges::find(kBuildable, type, &BuildableType::type);
  return found == std::end(kBuildable) ? nullptr : found;
}

Error not_buildable(std::string_view type) {
  if (type == "proxy") return {"can't create maps via the proxy service", true};
  if (!is_type(type)) return {fmt::format("unsupported dictionary type: {}", type), true};
  return {fmt::format("unsupported dictionary type: {} does not support bulk-mode creation.", type), true};
}

// Fails at every step but the first, for tests of what depends on it.
class FailingBuilder final : public Builder {
 public:
  explicit FailingBuilder(const std::string& path)
      : error_{"table fail:" + path + ": write error: Application error"} {}
  std::expected<void, Error> add(std::string_view, std::string_view) override { return std::unexpected(error_); }
  std::expected<void, Error> add_verbatim(std::string_view, std::string_view) override {
    return std::unexpected(error_);
  }
  std::expected<bool, Error> remove(std::string_view) override { return std::unexpected(error_); }
  std::expected<void, Error> commit() override { return {}; }

 private:
  Error error_;
};

}  // namespace

Built build_fail(const std::string& path, const Settings&, const Options&, const base::ReplacementFile::Ownership&) {
  return std::make_unique<FailingBuilder>(path);
}

Built build(std::string_view type, const std::string& path, const Settings& settings, const Options& options,
            const base::ReplacementFile::Ownership& ownership) {
  const BuildableType* found = find_buildable(type);
  if (found == nullptr) return std::unexpected(not_buildable(type));
  Options effective = options;
  effective.utf8 = options.utf8 && settings.smtputf8;
  return found->build(path, settings, effective, ownership);
}

Built amend(std::string_view type, const std::string& path, const Settings& settings, const Options& options,
            const base::ReplacementFile::Ownership& ownership) {
  const BuildableType* found = find_buildable(type);
  if (found == nullptr) return std::unexpected(not_buildable(type));
  Options effective = options;
  effective.utf8 = options.utf8 && settings.smtputf8;
  return found->amend(path, settings, effective, ownership);
}

bool is_buildable(std::string_view type) {
  return find_buildable(type) != nullptr;
}

std::string index_file_of(std::string_view type, const std::string& path) {
  const BuildableType* found = find_buildable(type);
  return found == nullptr || found->suffix.empty() ? std::string() : path + std::string(found->suffix);
}

}  // namespace table
