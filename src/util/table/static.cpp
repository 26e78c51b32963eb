#include "table/arguments.h"
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

Opened open_static(const std::string& argument, const Settings&, const Options&) {
  if (!argument.starts_with('{')) return std::make_unique<StaticTable>(argument, argument);
  const auto value = group_content(argument);
  if (!value) return std::unexpected(Error{"bad static:name syntax: " + value.error(), true});
  return std::make_unique<StaticTable>(argument, *value);
}

}  // namespace table
