#include "postmap/change.h"

#include <unistd.h>

#include <set>

#include "base/error.h"
#include "postmap/input.h"
#include "table/build.h"

namespace postmap {

namespace {

// A table in which keys are removed: one that is amended as a whole, or one of a type that changes by itself, or not at
// all.
class Target {
 public:
  Target(const std::string& name, const table::Settings& settings, table::Options options) {
    const auto [type, path] = table::split_name(name, settings);
    if (!path.empty() && (type == "hash" || type == "btree" || type == "lmdb")) {
      const base::ReplacementFile::Ownership unused{::geteuid(), ::getegid(), 0600};
      auto builder = table::amend(type, std::string(path), settings, options, unused);
      if (!builder) throw base::Fatal(builder.error().text);
      builder_ = std::move(*builder);
      return;
    }
    options.access = table::Access::read_write;
    auto opened = table::open(name, settings, options);
    if (!opened) throw base::Fatal(opened.error().text);
    table_ = std::move(*opened);
  }

  void remove(const std::string& key) {
    auto removed = builder_ ? builder_->remove(key) : table_->remove(key);
    if (!removed) throw base::Fatal(removed.error().text);
    changed_ = changed_ || *removed;
  }

  // Whether anything was removed.
  bool finish() {
    if (builder_ && changed_) {
      auto committed = builder_->commit();
      if (!committed) throw base::Fatal(committed.error().text);
    }
    return changed_;
  }

 private:
  std::unique_ptr<table::Builder> builder_;
  std::unique_ptr<table::Table> table_;
  bool changed_ = false;
};

}  // namespace

int remove_keys(const Request& request, const config::Config& config) {
  const auto settings = table::Settings::from(config);
  // A table that is named twice would wait for itself.
  std::vector<std::string> names;
  for (const std::string& name : request.tables) {
    if (std::ranges::find(names, name) == names.end()) names.push_back(name);
  }
  bool removed = false;
  if (!request.reads_keys()) {
    for (const std::string& name : names) {
      Target target(name, settings, request.options);
      target.remove(request.key);
      removed = target.finish() || removed;
    }
    return removed ? 0 : 1;
  }
  std::vector<Target> targets;
  for (const std::string& name : names) targets.emplace_back(name, settings, request.options);
  KeyLines lines(STDIN_FILENO);
  while (const auto key = lines.next()) {
    for (Target& target : targets) target.remove(std::string(*key));
  }
  for (Target& target : targets) removed = target.finish() || removed;
  return removed ? 0 : 1;
}

}  // namespace postmap
