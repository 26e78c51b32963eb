#include "routing/address_map.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "base/word_list.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header_tokens.h"
#include "routing/telling.h"
#include "table/fold.h"
#include "table/match_list.h"
#include "table/search.h"

namespace routing {

namespace {

namespace param = config::param;

constexpr std::size_t kMostTokens = 100000;  // of one result: far beyond any limit on what becomes of it
constexpr int kMostCanonicalSteps = 10;
constexpr std::size_t kShownOfResult = 300;

std::string folded(std::string_view address) {
  return table::fold_key(address, true);
}

table::Delimiters delimiters_of(const config::Config& config) {
  return {std::string_view(config[param::recipient_delimiter]), config[param::owner_request_special],
          config[param::double_bounce_sender]};
}

}  // namespace

AddressMap::AddressMap(const config::Config& config, const Router& router, std::string_view parameter,
                       std::string_view kind)
    : config_(config),
      router_(router),
      tables_(parameter, config.value(parameter).value_or(""), table::Settings::from(config), {}),
      propagates_(!kind.empty() && base::has_word(config[param::propagate_unmatched_extensions], kind)) {}

bool AddressMap::empty() const {
  return tables_.empty();
}

bool AddressMap::has_changed() const {
  return tables_.has_changed();
}

std::expected<std::vector<std::string>, table::Error> AddressMap::find(std::string_view address,
                                                                       Observer* observer) const {
  if (tables_.empty() || address.empty()) return std::vector<std::string>{};
  const auto [local, domain, has_at] = mail::split(address);
  const auto own = !has_at || base::equals_folded(domain, config_[param::myorigin])
                       ? std::expected<bool, table::Error>(true)
                       : router_.is_local_domain(domain);
  if (!own) return std::unexpected(own.error());
  const auto delimiters = delimiters_of(config_);

  std::optional<table::Hit> hit;
  for (table::SearchKey& key : table::mail_address_keys(address, delimiters, *own)) {
    auto found = table::search(tables_, std::span(&key, 1));
    if (!found) return std::unexpected(std::move(found.error()));
    if (observer != nullptr) tell_lookup(*observer, tables_, key, *found);
    if (*found) {
      hit = std::move(**found);
      break;
    }
  }
  if (!hit) return std::vector<std::string>{};

  // What no key had of user+extension comes back, and behind a key @domain the whole local part.
  std::string extension;
  if (hit->key.without_extension && propagates_) {
    if (const auto parts = table::split_extension(local, delimiters)) extension = parts->extension;
  }
  std::vector<std::string> results;
  for (const std::string& external : mail::addresses_in(hit->value, kMostTokens)) {
    std::string result = mail::unquote(external);
    if (result.starts_with('@')) {
      result.insert(0, local);
    } else if (!extension.empty()) {
      std::string without = result;
      result.insert(std::min(result.rfind('@'), result.size()), extension);
      if (observer != nullptr) observer->rewrote("propagate_unmatched_extensions", without, result);
    }
    results.push_back(router_.rewrite_internal(Context::local, result, observer));
  }
  if (results.empty()) {
    const std::string problem =
        fmt::format("{} lookup of {} returns non-address result \"{}\"", tables_.parameter(), address, hit->value);
    logging::warning("address_map.no_address", "{problem}", {{"problem", problem}, {"key", address}});
    return std::unexpected(table::Error{problem, true});
  }
  if (observer != nullptr) observer->rewrote(tables_.parameter(), address, fmt::format("{}", fmt::join(results, ", ")));
  return results;
}

std::expected<std::optional<std::string>, table::Error> AddressMap::find_one(std::string_view address,
                                                                             Observer* observer) const {
  auto results = find(address, observer);
  if (!results) return std::unexpected(std::move(results.error()));
  if (results->empty()) return std::nullopt;
  if (results->size() > 1) {
    logging::warning("address_map.several_results", "multi-valued {parameter} entry for {address}",
                     {{"parameter", tables_.parameter()}, {"address", address}});
  }
  return std::move(results->front());
}

std::expected<Expansion, table::Error> expand_virtual(const AddressMap& map, const config::Config& config,
                                                      std::string_view address, Observer* observer) {
  const auto most_steps = config[param::virtual_alias_recursion_limit];
  const auto most_addresses = static_cast<std::size_t>(config[param::virtual_alias_expansion_limit]);
  const auto longest = static_cast<std::size_t>(config[param::virtual_alias_address_length_limit]);
  const auto refused = [&](std::string_view what, std::string_view name) {
    return Expansion{
        {}, fmt::format("unreasonable {} {} {} -- message not accepted, try again later", map.parameter(), what, name)};
  };

  // The first result takes its address's place, the others go to the end, to be looked up when their turn comes.
  std::vector<std::string> addresses{std::string(address)};
  std::unordered_set<std::string> finished;  // those that are among their own results: they stay
  for (std::size_t at = 0; at < addresses.size(); ++at) {
    if (addresses.size() > most_addresses) return refused("map expansion size for", address);
    for (int step = 0; !finished.contains(folded(addresses[at])); ++step) {
      if (step >= most_steps) return refused("map nesting for", address);
      const auto results = map.find(addresses[at], observer);
      if (!results) return std::unexpected(results.error());
      if (results->empty()) break;
      const std::string before = folded(addresses[at]);
      for (const std::string& result : *results) {
        if (result.size() > longest) return refused("result", result.substr(0, kShownOfResult) + "...");
        if (folded(result) == before) finished.insert(before);
      }
      addresses[at] = results->front();
      addresses.insert(addresses.end(), std::next(results->begin()), results->end());
    }
  }
  std::unordered_set<std::string> seen;
  std::erase_if(addresses, [&](const std::string& one) { return !seen.insert(folded(one)).second; });
  return Expansion{std::move(addresses), {}};
}

std::expected<std::string, table::Error> canonical(const AddressMap& map, std::string_view address, Observer* observer,
                                                   std::string_view queue_id) {
  std::string current(address);
  for (int step = 0; step < kMostCanonicalSteps; ++step) {
    auto next = map.find_one(current, observer);
    if (!next) return std::unexpected(std::move(next.error()));
    if (!*next || folded(**next) == folded(current)) return next->value_or(current);
    current = std::move(**next);
  }
  // In Postfix's words, though the message goes on with the address as it is now.
  logging::warning("address_map.nesting",
                   "{id}unreasonable {parameter} map nesting for {address} -- message not accepted, try again later",
                   {{"id", queue_id.empty() ? "" : fmt::format("{}: ", queue_id)},
                    {"parameter", map.parameter()},
                    {"address", current}});
  return current;
}

struct Masquerade::State {
  struct Domain {
    std::string text;  // as main.cf writes it, which is what addresses get
    std::string name;  // in lower case
    bool is_exempt;    // !name
  };
  std::vector<Domain> domains;
  table::MatchList exceptions;
};

Masquerade::Masquerade(const config::Config& config)
    : state_(new State{
          {}, {"masquerade_exceptions", config[param::masquerade_exceptions], table::Settings::from(config), {}}}) {
  for (std::string_view item : base::split(config[param::masquerade_domains])) {
    bool is_exempt = false;
    for (; item.starts_with('!'); item.remove_prefix(1)) is_exempt = !is_exempt;
    state_->domains.push_back({std::string(item), base::lower(item), is_exempt});
  }
}

Masquerade::~Masquerade() = default;

bool Masquerade::empty() const {
  return state_->domains.empty();
}

std::expected<std::string, table::Error> Masquerade::apply(std::string_view address, Observer* observer) const {
  const auto [local, domain, has_at] = mail::split(address);
  std::string same(address);
  if (empty() || domain.empty()) return same;
  const std::string name = base::lower(domain);
  for (const State::Domain& parent : state_->domains) {
    if (name == parent.name) return same;
    if (parent.name.empty() || !name.ends_with("." + parent.name)) continue;
    if (parent.is_exempt) return same;
    const auto is_exception = state_->exceptions.has_string(local);
    if (!is_exception) return std::unexpected(is_exception.error());
    if (observer != nullptr && !state_->exceptions.empty()) {
      observer->listed("masquerade_exceptions", local, *is_exception);
    }
    if (*is_exception) return same;
    std::string shorter = fmt::format("{}@{}", local, parent.text);
    if (observer != nullptr) observer->rewrote("masquerade_domains", address, shorter);
    return shorter;
  }
  return same;
}

}  // namespace routing
