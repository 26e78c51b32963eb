#include "table/pool.h"

#include <algorithm>

namespace table {

namespace {

Pool::Opened open_alone(std::string_view name, const Settings& settings, const Options& options) {
  auto table = open(name, settings, options);
  if (!table) return std::unexpected(std::move(table.error()));
  return std::shared_ptr<Table>(std::move(*table));
}

}  // namespace

Pool::Opened Pool::open(std::string_view name, const Settings& settings) {
  // The pool must not hold itself.
  Settings apart = settings;
  apart.pool.reset();
  const auto same = [&](const Known& known) { return known.name == name && known.settings == apart; };
  if (const auto found = std::ranges::find_if(known_, same); found != known_.end()) return found->table;
  auto table = open_alone(name, apart, {});
  known_.push_back({std::string(name), std::move(apart), table});
  return table;
}

bool Pool::is_news(const Error& error) {
  if (std::ranges::find(told_, error.text) != told_.end()) return false;
  told_.push_back(error.text);
  return true;
}

Pool::Opened open_shared(std::string_view name, const Settings& settings, const Options& options) {
  if (settings.pool != nullptr && options == Options()) return settings.pool->open(name, settings);
  return open_alone(name, settings, options);
}

}  // namespace table
