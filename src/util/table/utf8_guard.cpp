#include "table/utf8_guard.h"

#include "base/text.h"
#include "logging/log.h"
#include "table/types.h"

namespace table {

namespace {

class Utf8Guard final : public Table {
 public:
  explicit Utf8Guard(std::unique_ptr<Table> inner)
      : Table(inner->name(), inner->key_form()), inner_(std::move(inner)) {}

  Answer lookup(std::string_view key) override {
    if (!is_utf8_key(key)) return std::nullopt;
    Answer answer = inner_->lookup(key);
    if (answer && *answer && !base::is_valid_utf8(**answer)) {
      warn_of_value(key, **answer);
      return std::unexpected(query_error(name(), {}, true));
    }
    return answer;
  }

  std::expected<void, Error> update(std::string_view key, std::string_view value) override {
    if (!is_utf8_key(key)) return std::unexpected(query_error(name(), "non-UTF-8 key", true));
    if (!base::is_valid_utf8(value)) {
      warn_of_value(key, value);
      return std::unexpected(query_error(name(), "non-UTF-8 value", true));
    }
    return inner_->update(key, value);
  }

  std::expected<bool, Error> remove(std::string_view key) override {
    if (!is_utf8_key(key)) return false;
    return inner_->remove(key);
  }

  // An entry that is not UTF-8 is told of and passed over.
  std::expected<void, Error> for_each(const std::function<bool(const Entry&)>& each) override {
    return inner_->for_each([&](const Entry& entry) {
      if (!is_utf8_key(entry.first)) return true;
      if (!base::is_valid_utf8(entry.second)) {
        warn_of_value(entry.first, entry.second);
        return true;
      }
      return each(entry);
    });
  }

  bool has_changed() const override { return inner_->has_changed(); }
  bool may_block() const override { return inner_->may_block(); }

 private:
  bool is_utf8_key(std::string_view key) const {
    if (base::is_valid_utf8(key)) return true;
    logging::warning("table.key_not_utf8", "{table}: non-UTF-8 key \"{key}\": malformed UTF-8 or invalid codepoint",
                     {{"table", name()}, {"key", key}});
    return false;
  }

  void warn_of_value(std::string_view key, std::string_view value) const {
    logging::warning("table.value_not_utf8",
                     "{table}: key \"{key}\": non-UTF-8 value \"{value}\": malformed UTF-8 or invalid codepoint",
                     {{"table", name()}, {"key", key}, {"value", value}});
  }

  std::unique_ptr<Table> inner_;
};

}  // namespace

std::unique_ptr<Table> guard_utf8(std::unique_ptr<Table> table) {
  return std::make_unique<Utf8Guard>(std::move(table));
}

}  // namespace table
