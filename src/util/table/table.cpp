#include "table/table.h"

namespace table {

Error Table::not_supported(std::string_view operation) const {
  return {"table " + name_ + ": " + std::string(operation) + " operation is not supported", true};
}

std::expected<void, Error> Table::update(std::string_view, std::string_view) {
  return std::unexpected(not_supported("update"));
}

std::expected<bool, Error> Table::remove(std::string_view) {
  return std::unexpected(not_supported("delete"));
}

std::expected<void, Error> Table::for_each(const std::function<bool(const Entry&)>&) {
  return std::unexpected(not_supported("sequence"));
}

}  // namespace table
