#include "delivery/direct_tables.h"

#include "base/text.h"

namespace delivery {

std::string without_proxy(std::string_view tables) {
  constexpr std::string_view kProxy = "proxy:";
  std::string direct;
  for (std::string_view name : base::split_grouped(tables)) {
    while (name.starts_with(kProxy)) name.remove_prefix(kProxy.size());
    if (name.empty()) continue;
    if (!direct.empty()) direct += ", ";
    direct += name;
  }
  return direct;
}

table::TableList open_directly(const config::Config& config, std::string_view parameter, std::string_view tables) {
  return {parameter, without_proxy(tables), table::Settings::from(config), table::Options{.allow_substitution = false}};
}

}  // namespace delivery
