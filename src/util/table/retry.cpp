#include "table/retry.h"

#include <utility>

#include "table/types.h"

namespace table {

namespace {

constexpr auto kInterval = std::chrono::seconds(1);

}  // namespace

Retry::Retry(std::string name, const Settings& settings, const Options& options)
    : name_(std::move(name)), settings_(settings), options_(options), next_(io::Clock::now() + kInterval) {
  settings_.pool.reset();
  const Type* type = find_type(split_name(name_, settings_).type);
  has_index_ = type != nullptr && type->buildable;
}

bool Retry::can_be_opened() {
  const auto now = io::Clock::now();
  if (!has_index_ || now < next_) return false;
  next_ = now + kInterval;
  return open(name_, settings_, options_).has_value();
}

}  // namespace table
