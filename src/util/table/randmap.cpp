// randmap: one of the values at random, whatever the key: randmap:{a, b, c}.
#include <random>

#include "table/arguments.h"
#include "table/source_files.h"
#include "table/types.h"

namespace table {

namespace {

class RandMap final : public Table {
 public:
  RandMap(std::string name, std::vector<std::string> values)
      : Table(std::move(name), KeyForm::fixed), values_(std::move(values)), random_(std::random_device{}()) {}
  Answer lookup(std::string_view) override {
    return values_[std::uniform_int_distribution<std::size_t>(0, values_.size() - 1)(random_)];
  }

 private:
  std::vector<std::string> values_;
  std::minstd_rand random_;
};

}  // namespace

Opened open_randmap(const std::string& argument, const Settings&, const Options& options) {
  std::string name = "randmap:" + argument;
  if (options.access != Access::read) return std::unexpected(read_only(name));
  const auto inside = inside_braces(argument);
  const auto items = inside ? split_items(*inside) : std::vector<std::string_view>{};
  if (items.empty())
    return std::unexpected(Error{fmt::format("bad syntax: \"{}\"; need \"randmap:{{value...}}\"", name), true});
  std::vector<std::string> values(items.begin(), items.end());
  if (options.values_are_files) {
    for (std::string& value : values) {
      auto content = encode_files(value);
      if (!content) return std::unexpected(Error{content.error().text, true});
      value = std::move(*content);
    }
  }
  return std::make_unique<RandMap>(std::move(name), std::move(values));
}

}  // namespace table
