#include "routing/address_map.h"

#include <algorithm>
#include <unordered_set>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header_tokens.h"
#include "table/search.h"

namespace routing {

namespace {

namespace param = config::param;

constexpr std::size_t kMostTokens = 100000;  // of one result: far beyond any limit on what becomes of it
constexpr int kMostCanonicalSteps = 10;

bool listed(std::string_view list, std::string_view name) {
  return std::ranges::any_of(base::split(list), [&](std::string_view item) { return item == name; });
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
      propagates_(!kind.empty() && listed(config[param::propagate_unmatched_extensions], kind)) {}

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
    if (observer != nullptr) {
      observer->looked_up(tables_.parameter(), key.key, *found ? &(*found)->value : nullptr);
    }
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
      result.insert(std::min(result.rfind('@'), result.size()), extension);
    }
    result = router_.rewrite_internal(Context::local, result);
    if (!result.empty()) results.push_back(std::move(result));
  }
  if (results.empty()) {
    return std::unexpected(table::Error{
        fmt::format("{}: {}: no address in the result \"{}\"", tables_.parameter(), address, hit->value), true});
  }
  return results;
}

std::expected<std::optional<std::string>, table::Error> AddressMap::find_one(std::string_view address,
                                                                             Observer* observer) const {
  auto results = find(address, observer);
  if (!results) return std::unexpected(std::move(results.error()));
  if (results->empty()) return std::nullopt;
  if (results->size() > 1) {
    logging::warning("address_map.several_results", "{parameter}: multi-valued entry for {address}",
                     {{"parameter", tables_.parameter()}, {"address", address}});
  }
  return std::move(results->front());
}

std::expected<Expansion, table::Error> expand_virtual(const AddressMap& map, const config::Config& config,
                                                      std::string_view address, Observer* observer) {
  (void)config;
  auto found = map.find(address, observer);
  if (!found) return std::unexpected(found.error());
  return Expansion{found->empty() ? std::vector<std::string>{std::string(address)} : *found, {}};
}

std::expected<std::string, table::Error> canonical(const AddressMap& map, std::string_view address,
                                                   Observer* observer) {
  std::string current(address);
  for (int step = 0; step < kMostCanonicalSteps; ++step) {
    auto next = map.find_one(current, observer);
    if (!next) return std::unexpected(std::move(next.error()));
    if (!*next || **next == current) break;
    current = std::move(**next);
  }
  return current;
}

struct Masquerade::State {};
Masquerade::Masquerade(const config::Config&) {}
Masquerade::~Masquerade() = default;
std::expected<std::string, table::Error> Masquerade::apply(std::string_view address, Observer*) const {
  return std::string(address);
}
bool Masquerade::empty() const {
  return true;
}

}  // namespace routing
