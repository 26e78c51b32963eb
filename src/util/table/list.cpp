#include "table/list.h"

#include "logging/log.h"
#include "table/arguments.h"
#include "table/pool.h"
#include "table/retry.h"
#include "table/types.h"

namespace table {

namespace {

// Stands in for a table that cannot be opened: nobody may take its keys for not found.
class Unavailable final : public Table {
 public:
  Unavailable(std::string name, Error why, const Settings& settings, const Options& options)
      : Table(name, KeyForm::fixed), why_(std::move(why)), retry_(std::move(name), settings, options) {}
  Answer lookup(std::string_view) override {
    return std::unexpected(Error{fmt::format("{} is unavailable. {}", name(), why_.text), why_.permanent});
  }
  bool has_changed() const override { return retry_.can_be_opened(); }

 private:
  Error why_;
  mutable Retry retry_;
};

}  // namespace

TableList::TableList(std::string_view parameter, std::string_view value, const Settings& settings,
                     const Options& options)
    : parameter_(parameter) {
  for (const std::string_view name : split_items(value)) {
    auto table = open_shared(name, settings, options);
    if (table) {
      tables_.push_back(std::move(*table));
      continue;
    }
    if (settings.pool == nullptr || settings.pool->is_news(table.error())) {
      logging::error("table.open", "{reason}",
                     {{"reason", table.error().text}, {"table", name}, {"parameter", parameter}});
    }
    tables_.push_back(std::make_shared<Unavailable>(std::string(name), std::move(table.error()), settings, options));
  }
}

Answer TableList::first_answer(std::string_view key, Ask ask) const {
  last_table_.clear();
  if (key.empty()) return std::nullopt;
  for (const auto& table : tables_) {
    if (ask == Ask::fixed_only && table->key_form() == KeyForm::pattern) continue;
    Answer answer = table->lookup(key);
    if (!answer) {
      logging::warning("table.lookup_error", "{table} lookup error for \"{key}\"",
                       {{"table", table->name()}, {"key", key}});
    } else if (!*answer) {
      continue;
    }
    last_table_ = table->name();
    return answer;
  }
  return std::nullopt;
}

Answer TableList::lookup(std::string_view key, Ask ask) const {
  Answer answer = first_answer(key, ask);
  if (!answer || !*answer || !(*answer)->empty()) return answer;
  // An empty result means neither "yes" nor "no" to any caller.
  logging::warning("table.empty_result", "{parameter} lookup of {key} returns an empty string result",
                   {{"parameter", parameter_}, {"key", key}, {"table", last_table_}});
  logging::warning("table.empty_result", "{parameter} should return NO RESULT in case of NOT FOUND",
                   {{"parameter", parameter_}});
  return std::unexpected(query_error(last_table_, "empty string result is not allowed", true));
}

Answer TableList::lookup_or_empty(std::string_view key) const {
  return first_answer(key, Ask::all_tables);
}

bool TableList::asks(Ask ask) const {
  return std::ranges::any_of(
      tables_, [&](const auto& table) { return ask == Ask::all_tables || table->key_form() != KeyForm::pattern; });
}

bool TableList::has_changed() const {
  return std::ranges::any_of(tables_, [](const auto& table) { return table->has_changed(); });
}

}  // namespace table
