#include "routing/router.h"

#include <optional>

#include "base/text.h"
#include "base/word_list.h"
#include "config/master_cf.h"
#include "config/param.h"
#include "mail/address.h"
#include "mail/idn.h"
#include "routing/address_classes.h"
#include "routing/rewriter.h"
#include "routing/telling.h"
#include "table/search.h"

namespace routing {

namespace {

namespace param = config::param;

constexpr int kMostLocalDomains = 100;  // user@local@local...: no honest address has many

// "transport:nexthop", of which either side may be missing.
struct Destination {
  std::string transport;
  std::string nexthop;
  std::string_view parameter = {};  // that says so, for who asks why
};
Destination destination_of(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return {std::string(text), {}, {}};
  return {std::string(text.substr(0, colon)), std::string(text.substr(colon + 1)), {}};
}

using Found = std::expected<std::optional<table::Hit>, table::Error>;

using Tokens = std::vector<mail::Token>;

Tokens tokens_of(std::string_view text) {
  return mail::tokenize(text, text.size());
}

Tokens::iterator last_at(Tokens& tokens) {
  for (auto token = tokens.end(); token != tokens.begin();) {
    if ((--token)->is('@')) return token;
  }
  return tokens.end();
}

void drop_last_dot(Tokens& tokens) {
  if (tokens.size() < 2 || !tokens.back().is('.')) return;
  const mail::Token& before = tokens[tokens.size() - 2];
  if (!before.is('.') && !before.is('@')) tokens.pop_back();
}

}  // namespace

Context context_named(std::string_view rewrite_context) {
  return rewrite_context == "remote" ? Context::remote : Context::local;
}

struct Router::State {
  State(const config::Config& config_of_router, Purpose purpose);

  Found find_sender(const table::TableList& maps, std::string_view sender, std::string_view null_key,
                    Observer* observer) const;
  Found find(const table::TableList& maps, const std::vector<table::SearchKey>& keys, Observer* observer) const;
  std::expected<void, table::Error> route_by_class(std::string_view sender, std::string_view domain, Route& route,
                                                   Observer* observer) const;
  std::expected<void, table::Error> route_by_recipient(std::string_view domain, Route& route, Observer* observer) const;
  std::expected<void, table::Error> find_relocated(std::string_view domain, Route& route, Observer* observer) const;
  std::expected<std::string, table::Error> relayhost_for(std::string_view sender, Observer* observer) const;
  struct Target;
  std::expected<Target, table::Error> target_of(std::string_view recipient, Observer* observer) const;
  bool is_valid_domain(std::string_view domain) const;

  const config::Config& config;
  Purpose purpose;
  table::Settings settings;
  Rewriter rewriter;
  AddressClasses classes;

  std::string myhostname;
  std::string myorigin;
  std::string empty_recipient;
  std::string delimiters;
  std::string double_bounce;
  bool owner_request_special;
  bool dequote;
  bool numeric_domain;
  bool null_domain;
  bool min_user;
  bool utf8;
  bool transport_parents;
  bool relocated_prefix;
  std::string unknown_alias_user;

  Destination local_transport;
  Destination virtual_transport;
  Destination relay_transport;
  Destination default_transport;
  std::string relayhost;
  std::string null_relayhost_key;
  std::string null_transport_key;

  table::TableList transport_maps;
  table::TableList relocated_maps;
  table::TableList sender_relayhost_maps;
  table::TableList sender_transport_maps;

  table::Delimiters delimiter_rules() const { return {delimiters, owner_request_special, double_bounce}; }
};

namespace {

// The value in force for the purpose: a probe may go other ways than mail.
const std::string& chosen(const config::Config& config, Router::Purpose purpose, config::TextKey delivery,
                          config::TextKey verification) {
  return config[purpose == Router::Purpose::delivery ? delivery : verification];
}
std::string_view name_for(Router::Purpose purpose, std::string_view delivery, std::string_view verification) {
  return purpose == Router::Purpose::delivery ? delivery : verification;
}

Destination transport_parameter(const config::Config& config, Router::Purpose purpose, config::TextKey delivery,
                                config::TextKey verification, std::string_view name) {
  Destination destination = destination_of(chosen(config, purpose, delivery, verification));
  if (destination.transport.empty()) {
    throw config::BadValue(
        fmt::format("file {}/main.cf: parameter {}: null transport is not allowed", config.directory(), name));
  }
  destination.parameter = name;
  return destination;
}

std::vector<config::NameValue> options_of_service(const std::string& directory, std::string_view name) {
  const auto file = config::read_master_cf(directory + "/master.cf");
  if (!file) return {};  // master tells
  std::vector<config::Remark> remarks;
  for (const config::ServiceLine* line : config::effective_lines(*file, remarks)) {
    auto service = config::interpret(*line, {.process_limit = 1, .chroot = false});
    if (!service || service->type != config::ServiceType::unix_stream || service->name != name) continue;
    return std::move(service->overrides);
  }
  return {};
}

// What the service that rewrites and resolves knows: main.cf with the -o options of its line in master.cf. Null when
// that is what the program that asks knows, too. A command's own options are questions, and count.
std::shared_ptr<const config::Config> configuration_of_service(const config::Config& config) {
  const bool is_command = config[param::service_name].empty();
  std::vector<config::NameValue> asked;
  for (const auto& [name, setting] : config.settings()) {
    if (setting.where.file == "-o") asked.push_back({name, setting.value});
  }
  const std::string& name = config[param::rewrite_service_name];
  std::vector<config::NameValue> overrides = options_of_service(config.directory(), name);
  if (overrides.empty() && (asked.empty() || is_command)) return nullptr;
  if (is_command) overrides.insert(overrides.end(), asked.begin(), asked.end());
  auto own = config::Config::load({.directory = config.directory(),
                                   .process_name = "trivial-rewrite",
                                   .service_name = name,
                                   .overrides = std::move(overrides)});
  if (!own) throw config::BadValue(own.error().text);
  return std::make_shared<const config::Config>(std::move(*own));
}

}  // namespace

Router::State::State(const config::Config& the_config, Purpose the_purpose)
    : config(the_config),
      purpose(the_purpose),
      settings(table::Settings::from(the_config)),
      rewriter(the_config),
      classes(the_config, settings),
      myhostname(the_config[param::myhostname]),
      myorigin(the_config[param::myorigin]),
      empty_recipient(the_config[param::empty_address_recipient]),
      delimiters(the_config[param::recipient_delimiter]),
      double_bounce(the_config[param::double_bounce_sender]),
      owner_request_special(the_config[param::owner_request_special]),
      dequote(the_config[param::resolve_dequoted_address]),
      numeric_domain(the_config[param::resolve_numeric_domain]),
      null_domain(the_config[param::resolve_null_domain]),
      min_user(the_config[param::allow_min_user]),
      utf8(the_config[param::smtputf8_enable]),
      transport_parents(base::has_word(the_config[param::parent_domain_matches_subdomains], "transport_maps")),
      relocated_prefix(the_config[param::relocated_prefix_enable]),
      unknown_alias_user(the_config[param::show_user_unknown_table_name] ? "5.1.1 User unknown in virtual alias table"
                                                                         : "5.1.1 User unknown"),
      local_transport(transport_parameter(the_config, the_purpose, param::local_transport,
                                          param::address_verify_local_transport,
                                          name_for(the_purpose, "local_transport", "address_verify_local_transport"))),
      virtual_transport(transport_parameter(
          the_config, the_purpose, param::virtual_transport, param::address_verify_virtual_transport,
          name_for(the_purpose, "virtual_transport", "address_verify_virtual_transport"))),
      relay_transport(transport_parameter(the_config, the_purpose, param::relay_transport,
                                          param::address_verify_relay_transport,
                                          name_for(the_purpose, "relay_transport", "address_verify_relay_transport"))),
      default_transport(transport_parameter(
          the_config, the_purpose, param::default_transport, param::address_verify_default_transport,
          name_for(the_purpose, "default_transport", "address_verify_default_transport"))),
      relayhost(chosen(the_config, the_purpose, param::relayhost, param::address_verify_relayhost)),
      null_relayhost_key(the_config[param::empty_address_relayhost_maps_lookup_key]),
      null_transport_key(the_config[param::empty_address_default_transport_maps_lookup_key]),
      transport_maps(name_for(the_purpose, "transport_maps", "address_verify_transport_maps"),
                     chosen(the_config, the_purpose, param::transport_maps, param::address_verify_transport_maps),
                     settings, {}),
      relocated_maps("relocated_maps", the_config[param::relocated_maps], settings, {}),
      sender_relayhost_maps(
          name_for(the_purpose, "sender_dependent_relayhost_maps", "address_verify_sender_dependent_relayhost_maps"),
          chosen(the_config, the_purpose, param::sender_dependent_relayhost_maps,
                 param::address_verify_sender_dependent_relayhost_maps),
          settings, {}),
      sender_transport_maps(name_for(the_purpose, "sender_dependent_default_transport_maps",
                                     "address_verify_sender_dependent_default_transport_maps"),
                            chosen(the_config, the_purpose, param::sender_dependent_default_transport_maps,
                                   param::address_verify_sender_dependent_default_transport_maps),
                            settings, {}) {}

Found Router::State::find(const table::TableList& maps, const std::vector<table::SearchKey>& keys,
                          Observer* observer) const {
  if (observer == nullptr) return table::search(maps, keys);
  for (const table::SearchKey& key : keys) {
    auto found = table::search(maps, std::span(&key, 1));
    if (!found) return found;
    tell_lookup(*observer, maps, key, *found);
    if (*found) return found;
  }
  return std::nullopt;
}

// "DUNNO" ends the search without a result.
Found Router::State::find_sender(const table::TableList& maps, std::string_view sender, std::string_view null_key,
                                 Observer* observer) const {
  if (maps.empty()) return std::nullopt;
  std::vector<table::SearchKey> keys;
  if (sender.empty()) {
    keys.push_back({std::string(null_key), table::KeyReach::all_tables, false});
  } else {
    const auto domain = mail::split(sender).domain;
    const auto local =
        base::equals_folded(domain, myorigin) ? std::expected<bool, table::Error>(true) : classes.is_local(domain);
    if (!local) return std::unexpected(local.error());
    keys = table::mail_address_keys(sender, delimiter_rules(), *local);
  }
  auto found = find(maps, keys, observer);
  if (found && *found && base::equals_folded((*found)->value, "DUNNO")) return std::nullopt;
  return found;
}

std::expected<std::string, table::Error> Router::State::relayhost_for(std::string_view sender,
                                                                      Observer* observer) const {
  const auto found = find_sender(sender_relayhost_maps, sender, null_relayhost_key, observer);
  if (!found) return std::unexpected(found.error());
  const std::string& chosen = *found ? (*found)->value : relayhost;
  if (observer != nullptr && !chosen.empty()) {
    observer->decided("next hop", chosen, *found ? std::string_view(sender_relayhost_maps.parameter()) : "relayhost");
  }
  return chosen;
}

std::expected<void, table::Error> Router::State::route_by_class(std::string_view sender, std::string_view domain,
                                                                Route& route, Observer* observer) const {
  const auto take = [&](const Destination& destination) {
    route.transport = destination.transport;
    if (observer != nullptr) observer->decided("transport", route.transport, destination.parameter);
    if (destination.nexthop.empty()) return;
    route.nexthop = destination.nexthop;
    if (observer != nullptr) observer->decided("next hop", route.nexthop, destination.parameter);
  };
  route.nexthop = domain;
  if (observer != nullptr) observer->decided("next hop", domain, "the recipient's domain");
  switch (route.address_class) {
    case AddressClass::local:
      take(local_transport);
      return {};
    case AddressClass::virtual_alias:
      take({"error", unknown_alias_user, "virtual_alias_domains"});
      return {};
    case AddressClass::virtual_mailbox:
      take(virtual_transport);
      return {};
    case AddressClass::relay:
    case AddressClass::other:
      break;
  }
  auto relay = relayhost_for(sender, observer);
  if (!relay) return std::unexpected(relay.error());
  if (!relay->empty()) route.nexthop = std::move(*relay);
  if (route.address_class == AddressClass::relay) {
    take(relay_transport);
    return {};
  }
  const auto found = find_sender(sender_transport_maps, sender, null_transport_key, observer);
  if (!found) return std::unexpected(found.error());
  if (!*found) {
    take(default_transport);
    return {};
  }
  Destination destination = destination_of((*found)->value);
  destination.parameter = sender_transport_maps.parameter();
  if (destination.transport.empty()) {
    return std::unexpected(table::Error{
        fmt::format("{}: \"{}\": null transport is not allowed", sender_transport_maps.parameter(), (*found)->value)});
  }
  take(destination);
  return {};
}

std::expected<void, table::Error> Router::State::route_by_recipient(std::string_view domain, Route& route,
                                                                    Observer* observer) const {
  if (transport_maps.empty()) return {};
  const auto found =
      find(transport_maps, table::transport_keys(route.recipient, delimiter_rules(), transport_parents), observer);
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  Destination destination = destination_of((*found)->value);
  if (!destination.transport.empty()) {
    route.transport = std::move(destination.transport);
    const bool wants_text = route.transport == "error" || route.transport == "retry";
    route.nexthop = wants_text ? "Address is undeliverable" : std::string(domain);
    if (observer != nullptr) observer->decided("transport", route.transport, transport_maps.parameter());
  }
  if (!destination.nexthop.empty()) route.nexthop = std::move(destination.nexthop);
  if (observer != nullptr) observer->decided("next hop", route.nexthop, transport_maps.parameter());
  return {};
}

std::expected<void, table::Error> Router::State::find_relocated(std::string_view domain, Route& route,
                                                                Observer* observer) const {
  if (relocated_maps.empty()) return {};
  const bool has_bare_names = route.address_class == AddressClass::local || base::equals_folded(domain, myorigin);
  const auto found =
      find(relocated_maps, table::mail_address_keys(route.recipient, delimiter_rules(), has_bare_names), observer);
  if (!found) return std::unexpected(found.error());
  if (!*found) return {};
  route.transport = "error";
  route.nexthop = relocated_prefix ? "5.1.6 User has moved to " + (*found)->value : (*found)->value;
  if (observer != nullptr) {
    observer->decided("transport", route.transport, relocated_maps.parameter());
    observer->decided("next hop", route.nexthop, relocated_maps.parameter());
  }
  return {};
}

// What a recipient comes down to: domains that are ours are taken off, and what was before them looked at again.
struct Router::State::Target {
  std::string recipient;
  std::string domain;
  bool is_local = false;
  bool had_domain = true;
};

std::expected<Router::State::Target, table::Error> Router::State::target_of(std::string_view recipient,
                                                                            Observer* observer) const {
  Tokens tokens = tokens_of(mail::quote(recipient));
  std::optional<std::string> taken_off;  // the last domain that was ours
  for (int round = 0; round < kMostLocalDomains; ++round) {
    drop_last_dot(tokens);
    if (null_domain && !tokens.empty() && tokens.back().is('@')) tokens.pop_back();
    if (const auto at = last_at(tokens); at != tokens.end()) {
      std::string domain = mail::internal_text({std::next(at), tokens.end()});
      if (!domain.empty()) {
        const auto ours = classes.is_local(domain, observer);
        if (!ours) return std::unexpected(ours.error());
        if (!*ours) return Target{mail::internal_text(tokens), std::move(domain), false, true};
      }
      taken_off = std::move(domain);
      tokens.erase(at, tokens.end());
    }
    const bool hides_route = dequote && !rewriter.is_route(tokens) && rewriter.hides_route(tokens);
    if (observer != nullptr && taken_off && (hides_route || rewriter.is_route(tokens))) {
      const std::string left = mail::internal_text(tokens);
      observer->rewrote("domain of our own", fmt::format("{}@{}", left, *taken_off), left);
    }
    if (rewriter.is_route(tokens)) {
      rewriter.rewrite(Context::local, tokens, observer);
    } else if (hides_route) {
      tokens = rewriter.without_quotes(std::move(tokens[0].text));
      rewriter.rewrite(Context::local, tokens, observer);
    } else {
      break;
    }
  }
  Target target{mail::internal_text(tokens), taken_off.value_or(myhostname), true, taken_off.has_value()};
  if (target.recipient.empty()) target.recipient = empty_recipient;
  target.recipient += '@' + target.domain;
  if (target.domain.empty()) target.is_local = false;
  // Without a domain it goes to this host, which need not be a place where mail is delivered.
  if (!taken_off) {
    const auto ours = classes.is_local(myhostname, observer);
    if (!ours) return std::unexpected(ours.error());
    target.is_local = *ours;
  }
  return target;
}

bool Router::State::is_valid_domain(std::string_view domain) const {
  if (domain.starts_with('[')) return mail::is_valid_literal(domain);
  if (!utf8 || base::is_ascii(domain)) return mail::is_valid_hostname(domain);
  const auto ascii = mail::ascii_domain(domain);
  return ascii && mail::is_valid_hostname(*ascii);
}

Router::Router(const config::Config& config, Purpose purpose)
    : Router(configuration_of_service(config), config, purpose) {}
Router::Router(std::shared_ptr<const config::Config> own, const config::Config& config, Purpose purpose)
    : own_(std::move(own)), state_(std::make_unique<State>(own_ ? *own_ : config, purpose)) {}
Router Router::reopened() const {
  return {own_, state_->config, state_->purpose};
}
Router::~Router() = default;
Router::Router(Router&&) noexcept = default;

std::string Router::rewrite(Context context, std::string_view external_address, Observer* observer) const {
  if (external_address.empty()) return {};
  return mail::quote(state_->rewriter.internal_form(context, external_address, observer));
}

std::string Router::rewrite_internal(Context context, std::string_view address, Observer* observer) const {
  if (address.empty()) return {};
  return state_->rewriter.internal_form(context, mail::quote(address), observer);
}

std::expected<Route, table::Error> Router::resolve(std::string_view sender, std::string_view recipient,
                                                   Observer* observer) const {
  const State& state = *state_;
  auto target = state.target_of(recipient, observer);
  if (!target) return std::unexpected(target.error());
  Route route;
  route.recipient = std::move(target->recipient);
  const auto bad = [&](std::string_view why) {
    route.bad_address = true;
    if (observer != nullptr) observer->decided("address", "not valid", why);
    return route;
  };
  if (state.utf8 && !base::is_valid_utf8(route.recipient)) return bad("it is not UTF-8");
  if (!target->is_local) {
    if (state.numeric_domain && mail::is_numeric_domain(target->domain)) {
      route.recipient.resize(route.recipient.size() - target->domain.size());
      const std::string before = route.recipient + target->domain;
      target->domain = "[" + target->domain + "]";
      route.recipient += target->domain;
      if (observer != nullptr) observer->rewrote("resolve_numeric_domain", before, route.recipient);
    } else if (!state.is_valid_domain(target->domain)) {
      return bad("its domain is malformed");
    }
  }
  const std::string_view local_part = std::string_view(route.recipient).substr(0, route.recipient.rfind('@'));
  route.routed = local_part.find_first_of("@%!") != std::string_view::npos;
  if (!state.min_user && route.recipient.starts_with('-')) bad("allow_min_user");

  if (target->is_local) {
    route.address_class = AddressClass::local;
  } else {
    const auto found = state.classes.class_of(target->domain, observer);
    if (!found) return std::unexpected(found.error());
    route.address_class = *found;
  }
  state.classes.warn_of_two(target->domain, route.address_class);
  if (observer != nullptr) {
    std::string_view because = decider_of(route.address_class);
    if (target->is_local && target->domain.starts_with('[')) because = "inet_interfaces";
    if (target->is_local && !target->had_domain) because = "no domain is left";
    observer->decided("address class", name_of(route.address_class), because);
  }

  auto done = state.route_by_class(sender, target->domain, route, observer);
  if (done && route.address_class != AddressClass::virtual_alias) {
    done = state.route_by_recipient(target->domain, route, observer);
  }
  if (done) done = state.find_relocated(target->domain, route, observer);
  if (!done) return std::unexpected(done.error());
  return route;
}

std::expected<bool, table::Error> Router::is_local_domain(std::string_view domain) const {
  return state_->classes.is_local(domain);
}

std::expected<AddressClass, table::Error> Router::class_of_domain(std::string_view domain) const {
  const auto local = state_->classes.is_local(domain);
  if (!local) return std::unexpected(local.error());
  if (*local) return AddressClass::local;
  return state_->classes.class_of(domain);
}

bool Router::has_changed() const {
  const State& state = *state_;
  return state.classes.has_changed() || state.transport_maps.has_changed() || state.relocated_maps.has_changed() ||
         state.sender_relayhost_maps.has_changed() || state.sender_transport_maps.has_changed();
}

}  // namespace routing
