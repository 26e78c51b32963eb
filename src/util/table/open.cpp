#include "table/open.h"

#include <algorithm>

#include "table/proxied.h"
#include "table/types.h"
#include "table/utf8_guard.h"

namespace table {

namespace {

constexpr Type kTypes[] = {
    {"btree", open_btree, true},        {"cdb", open_cdb, true},          {"cidr", open_cidr, false},
    {"debug", open_debug, false},       {"environ", open_environ, false}, {"fail", open_fail, true},
    {"hash", open_hash, true},          {"inline", open_inline, false},   {"internal", open_internal, false},
    {"lmdb", open_lmdb, true},          {"pcre", open_pcre, false},       {"pipemap", open_pipemap, false},
    {"randmap", open_randmap, false},   {"regexp", open_regexp, false},   {"socketmap", open_socketmap, false},
    {"static", open_static, false},     {"tcp", open_tcp, false},         {"texthash", open_texthash, false},
    {"unionmap", open_unionmap, false}, {"unix", open_unix, false},
};

// Tables within tables ("pipemap:{unionmap:{...}}") are opened by recursion; the name comes from a person, its depth is
// bounded.
constexpr int kDeepestNesting = 16;
thread_local int nesting = 0;

struct Nesting {
  Nesting() { ++nesting; }
  ~Nesting() { --nesting; }
};

}  // namespace

std::span<const Type> all_types() {
  return kTypes;
}

const Type* find_type(std::string_view name) {
  const auto* found = std::ranges::lower_bound(kTypes, name, {}, &Type::name);
  return found != std::end(kTypes) && found->name == name ? found : nullptr;
}

std::expected<std::unique_ptr<Table>, Error> open(std::string_view name, const Settings& settings,
                                                  const Options& options) {
  // Of a table that a process of its own opens for others, each program opens its own here.
  constexpr std::string_view kProxy = "proxy:";
  const bool by_proxy = name.starts_with(kProxy);
  while (name.starts_with(kProxy) && name != kProxy) name.remove_prefix(kProxy.size());
  const auto [type_name, argument] = split_name(name, settings);
  if (type_name.empty() || argument.empty()) {
    return std::unexpected(
        Error{fmt::format("open dictionary: expecting \"type:name\" form instead of \"{}\"", name), true});
  }
  const Type* type = find_type(type_name);
  if (type == nullptr) return std::unexpected(Error{fmt::format("unsupported dictionary type: {}", type_name), true});
  const Nesting here;
  if (nesting > kDeepestNesting) {
    return std::unexpected(
        Error{fmt::format("{}: more than {} tables within tables", type_name, kDeepestNesting), true});
  }
  Options effective = options;
  effective.utf8 = options.utf8 && settings.smtputf8;
  auto table = type->open(std::string(argument), settings, effective);
  if (table && by_proxy && type_name == "unix") {
    table = proxied(std::move(*table), fmt::format("{}:{}", type_name, argument), settings);
  }
  if (!table || !effective.utf8) return table;
  return guard_utf8(std::move(*table));
}

std::vector<std::string_view> types() {
  std::vector<std::string_view> names;
  for (const Type& type : kTypes) names.push_back(type.name);
  return names;
}

bool is_type(std::string_view name) {
  return find_type(name) != nullptr;
}

TypeAndName split_name(std::string_view name, const Settings& settings) {
  const auto colon = name.find(':');
  if (colon == std::string_view::npos) return {settings.default_type, name};
  return {name.substr(0, colon), name.substr(colon + 1)};
}

Error read_only(std::string_view name) {
  return {fmt::format("{} map requires O_RDONLY access mode", name), true};
}

Error query_error(std::string_view table, std::string_view why, bool permanent) {
  return {
      why.empty() ? fmt::format("table {}: query error", table) : fmt::format("table {}: query error: {}", table, why),
      permanent};
}

}  // namespace table
