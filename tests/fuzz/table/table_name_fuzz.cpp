// Names of tables that hold their content in themselves: static, inline, randmap, unionmap, pipemap, and rules in
// braces.
#include <algorithm>

#include "../table/split_input.h"
#include "table/arguments.h"
#include "table/open.h"

namespace {

// Types that would look outside of the name.
bool is_self_contained(std::string_view name) {
  constexpr std::string_view kOutside[] = {
      "hash:", "btree:", "lmdb:", "cdb:", "tcp:", "socketmap:", "unix:", "texthash:", "pcre:/", "regexp:/", "cidr:/"};
  return std::ranges::none_of(kOutside, [&](std::string_view type) { return name.contains(type); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const table::SplitInput input(data, std::min<std::size_t>(size, 1024));
  for (const std::string_view item : table::split_items(input.text)) (void)table::name_and_value(item);
  (void)table::group_content(input.text);
  (void)table::inside_braces(input.text);
  table::Settings settings;
  settings.default_type = "static";
  if (!is_self_contained(input.text)) return 0;
  for (const bool utf8 : {false, true}) {
    settings.smtputf8 = utf8;
    const auto opened = table::open(input.text, settings);
    if (opened) (void)(*opened)->lookup(input.key);
  }
  return 0;
}
