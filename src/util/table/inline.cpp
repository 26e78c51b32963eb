// inline: entries in the name itself, inline:{a=b, {c = d e}}.
#include "base/text.h"
#include "table/arguments.h"
#include "table/memory_table.h"
#include "table/source_files.h"
#include "table/types.h"

namespace table {

namespace {

Error bad_syntax(std::string_view problem, std::string_view name, std::string_view value = "value") {
  return {fmt::format("{}: \"{}\"; need \"inline:{{name={}...}}\"", problem, name, value), true};
}

}  // namespace

Opened open_inline(const std::string& argument, const Settings&, const Options& options) {
  const std::string name = "inline:" + argument;
  if (options.access != Access::read) return std::unexpected(read_only(name));
  if (options.utf8 && !base::is_valid_utf8(argument)) return std::unexpected(bad_syntax("bad UTF-8 syntax", name));
  const auto inside = inside_braces(argument);
  if (!inside || inside->empty()) return std::unexpected(bad_syntax("bad syntax", name));
  auto table = std::make_unique<MemoryTable>(name, options);
  for (std::string_view item : split_items(*inside)) {
    if (item.starts_with('{')) {
      const auto content = group_content(item);
      if (!content) return std::unexpected(bad_syntax(content.error(), name));
      item = *content;
    }
    const auto entry = name_and_value(item);
    if (!entry) return std::unexpected(bad_syntax(entry.error(), name));
    if (!options.values_are_files) {
      table->put(entry->name, entry->value);
      continue;
    }
    const auto content = encode_files(entry->value);
    if (!content) return std::unexpected(bad_syntax(content.error().text, name, "filename"));
    table->put(entry->name, *content);
  }
  if (table->size() == 0) return std::unexpected(bad_syntax("empty table", name));
  return table;
}

}  // namespace table
