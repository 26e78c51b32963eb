// fail: every operation is an error, for tests.
#include "table/types.h"

namespace table {

namespace {

class FailTable final : public Table {
 public:
  explicit FailTable(const std::string& argument) : Table("fail:" + argument, KeyForm::fixed) {}
  Answer lookup(std::string_view) override { return std::unexpected(query_error(name(), "Application error")); }
  std::expected<void, Error> update(std::string_view, std::string_view) override { return failed("update"); }
  std::expected<bool, Error> remove(std::string_view) override { return failed("delete"); }
  std::expected<void, Error> for_each(const std::function<bool(const Entry&)>&) override { return failed("sequence"); }

 private:
  std::unexpected<Error> failed(std::string_view operation) const {
    return std::unexpected(Error{fmt::format("table {}: {} error: Application error", name(), operation)});
  }
};

}  // namespace

Opened open_fail(const std::string& argument, const Settings&, const Options&) {
  return std::make_unique<FailTable>(argument);
}

}  // namespace table
