// The one table of names.

#include <array>
#include <span>
#include <string_view>
#include <vector>

#include "base/text.h"
#include "config/registry.h"
#include "restrictions/parser.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

const std::vector<Name>& all_names() {
  static const std::vector<Name> names = [] {
    std::vector<Name> all;
    for (const auto family : {generic_names(), client_names(), syntax_names(), access_table_names(), login_names(),
                              destination_names(), unlisted_names(), policy_names(), verification_names(),
                              dns_list_names(), server_names(), backup_names(), host_names()}) {
      all.insert(all.end(), family.begin(), family.end());
    }
    return all;
  }();
  return names;
}

}  // namespace

const Name* find_name(std::string_view name) {
  for (const Name& row : all_names()) {
    if (base::equals_folded(row.name, name)) return &row;
  }
  return nullptr;
}

std::string_view nearest_name(std::string_view word, const std::vector<std::string>& classes) {
  std::vector<std::string_view> known{"warn_if_reject"};
  for (const Name& row : all_names()) known.push_back(row.name);
  known.insert(known.end(), classes.begin(), classes.end());
  return config::nearest_of(word, known).value_or("");
}

}  // namespace restrictions
