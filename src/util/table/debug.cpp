// debug: another table, and a log line for each time it is used: debug:hash:/etc/aliases.
#include "logging/log.h"
#include "table/types.h"

namespace table {

namespace {

class DebugTable final : public Table {
 public:
  DebugTable(const std::string& argument, std::unique_ptr<Table> inner)
      : Table("debug:" + argument, inner->key_form()), inner_(std::move(inner)) {}

  Answer lookup(std::string_view key) override {
    Answer answer = inner_->lookup(key);
    tell("lookup", key, !answer ? answer.error().text : *answer ? "\"" + **answer + "\"" : "not_found");
    return answer;
  }

  std::expected<void, Error> update(std::string_view key, std::string_view value) override {
    auto done = inner_->update(key, value);
    tell("update", key, done ? fmt::format("\"{}\"", value) : done.error().text);
    return done;
  }

  std::expected<bool, Error> remove(std::string_view key) override {
    auto removed = inner_->remove(key);
    tell("delete", key, !removed ? removed.error().text : *removed ? "success" : "not_found");
    return removed;
  }

  std::expected<void, Error> for_each(const std::function<bool(const Entry&)>& each) override {
    auto done = inner_->for_each([&](const Entry& entry) {
      tell("sequence", entry.first, "\"" + entry.second + "\"");
      return each(entry);
    });
    if (!done) tell("sequence", "", done.error().text);
    return done;
  }

  bool has_changed() const override { return inner_->has_changed(); }
  bool may_block() const override { return inner_->may_block(); }

 private:
  void tell(std::string_view operation, std::string_view key, std::string_view result) const {
    logging::info("table.debug", "{table} {operation}: \"{key}\" = {result}",
                  {{"table", inner_->name()}, {"operation", operation}, {"key", key}, {"result", result}});
  }

  std::unique_ptr<Table> inner_;
};

}  // namespace

Opened open_debug(const std::string& argument, const Settings& settings, const Options& options) {
  if (!argument.contains(':')) {
    return std::unexpected(Error{fmt::format("bad syntax: \"debug:{}\"; need \"debug:type:name\"", argument), true});
  }
  auto inner = open(argument, settings, options);
  if (!inner) return std::unexpected(inner.error());
  return std::make_unique<DebugTable>(argument, std::move(*inner));
}

}  // namespace table
