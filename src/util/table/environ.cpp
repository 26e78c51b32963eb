// environ: the environment of the process; what stands after "environ:" does not matter.
#include <cstdlib>

#include "table/types.h"

namespace table {

namespace {

class EnvironTable final : public Table {
 public:
  explicit EnvironTable(const std::string& argument) : Table("environ:" + argument, KeyForm::fixed) {}
  Answer lookup(std::string_view key) override {
    if (key.empty() || key.contains('=') || key.contains('\0')) return std::nullopt;
    const char* value = ::getenv(std::string(key).c_str());
    if (value == nullptr) return std::nullopt;
    return value;
  }
};

}  // namespace

Opened open_environ(const std::string& argument, const Settings&, const Options&) {
  return std::make_unique<EnvironTable>(argument);
}

}  // namespace table
