#include "table/arguments.h"
#include "table/source_files.h"
#include "table/types.h"

namespace table {

namespace {

class StaticTable final : public Table {
 public:
  StaticTable(const std::string& argument, std::string_view value)
      : Table("static:" + argument, KeyForm::fixed), value_(value) {}
  Answer lookup(std::string_view) override { return value_; }

 private:
  std::string value_;
};

}  // namespace

Opened open_static(const std::string& argument, const Settings&, const Options& options) {
  std::expected<std::string_view, std::string> value = argument;
  if (argument.starts_with('{')) value = group_content(argument);
  if (!value) return std::unexpected(Error{"bad static:name syntax: " + value.error(), true});
  if (!options.values_are_files) return std::make_unique<StaticTable>(argument, *value);
  const auto content = encode_files(*value);
  if (!content) return std::unexpected(Error{content.error().text, true});
  return std::make_unique<StaticTable>(argument, *content);
}

}  // namespace table
