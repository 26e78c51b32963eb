// unionmap and pipemap: tables made of tables, unionmap:{type:name, type:name}.
#include "table/arguments.h"
#include "table/types.h"

namespace table {

namespace {

using Parts = std::vector<std::unique_ptr<Table>>;

KeyForm form_of(const Parts& parts) {
  const auto is_pattern = [](const auto& part) { return part->key_form() == KeyForm::pattern; };
  return std::ranges::any_of(parts, is_pattern) ? KeyForm::pattern : KeyForm::fixed;
}

class CompositeTable : public Table {
 public:
  CompositeTable(std::string name, Parts parts) : Table(std::move(name), form_of(parts)), parts_(std::move(parts)) {}
  bool has_changed() const override {
    return std::ranges::any_of(parts_, [](const auto& part) { return part->has_changed(); });
  }
  bool may_block() const override {
    return std::ranges::any_of(parts_, [](const auto& part) { return part->may_block(); });
  }

 protected:
  // A part's error, told of the whole, so that its reader knows which line of main.cf to look at.
  Error error_of(const Error& error) const {
    const auto colon = error.text.find(": query error");
    const std::string_view reason =
        colon == std::string::npos ? std::string_view(error.text) : std::string_view(error.text).substr(colon);
    if (colon == std::string::npos) return query_error(name(), reason, error.permanent);
    return {fmt::format("table {}{}", name(), reason), error.permanent};
  }

  Parts parts_;
};

// All results, joined by commas.
class UnionMap final : public CompositeTable {
 public:
  using CompositeTable::CompositeTable;
  Answer lookup(std::string_view key) override {
    std::string all;
    for (const auto& part : parts_) {
      const Answer answer = part->lookup(key);
      if (!answer) return std::unexpected(error_of(answer.error()));
      if (!*answer) continue;
      if (!all.empty()) all += ',';
      all += **answer;
    }
    if (all.empty()) return std::nullopt;
    return all;
  }
};

// The result of each is the key of the next.
class PipeMap final : public CompositeTable {
 public:
  using CompositeTable::CompositeTable;
  Answer lookup(std::string_view key) override {
    std::string current(key);
    for (const auto& part : parts_) {
      Answer answer = part->lookup(current);
      if (!answer) return std::unexpected(error_of(answer.error()));
      if (!*answer) return std::nullopt;
      current = std::move(**answer);
    }
    return current;
  }
};

template <typename Composite>
Opened open_composite(std::string_view type, const std::string& argument, const Settings& settings,
                      const Options& options) {
  std::string name = fmt::format("{}:{}", type, argument);
  if (options.access != Access::read) return std::unexpected(read_only(name));
  const Error bad_syntax{fmt::format("bad syntax: \"{}\"; need \"{}:{{type:name...}}\"", name, type), true};
  const auto inside = inside_braces(argument);
  if (!inside) return std::unexpected(bad_syntax);
  const auto items = split_items(*inside);
  if (items.empty()) return std::unexpected(bad_syntax);
  Parts parts;
  for (const std::string_view item : items) {
    if (!item.contains(':')) return std::unexpected(bad_syntax);
    auto part = open(item, settings, options);
    if (!part) return std::unexpected(part.error());
    parts.push_back(std::move(*part));
  }
  return std::make_unique<Composite>(std::move(name), std::move(parts));
}

}  // namespace

Opened open_unionmap(const std::string& argument, const Settings& settings, const Options& options) {
  return open_composite<UnionMap>("unionmap", argument, settings, options);
}

Opened open_pipemap(const std::string& argument, const Settings& settings, const Options& options) {
  return open_composite<PipeMap>("pipemap", argument, settings, options);
}

}  // namespace table
