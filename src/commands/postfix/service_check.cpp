#include "postfix/service_check.h"

#include <netdb.h>

#include <algorithm>
#include <array>
#include <set>
#include <vector>

#include "base/text.h"
#include "config/param.h"
#include "config/registry.h"
#include "postfix/table_check.h"
#include "table/open.h"

namespace postfix {

namespace {

namespace param = config::param;

using Names = std::set<std::string, std::less<>>;

constexpr std::array<std::string_view, 7> kTransports = {"default_transport", "local_transport",   "virtual_transport",
                                                         "relay_transport",   "mailbox_transport", "fallback_transport",
                                                         "content_filter"};
constexpr std::array<std::string_view, 4> kTransportTables = {
    "transport_maps", "sender_dependent_default_transport_maps", "mailbox_transport_maps", "fallback_transport_maps"};
// What can be listed as it was written, and does not belong to a program that is far away.
constexpr std::array<std::string_view, 6> kListed = {"hash", "btree", "lmdb", "cdb", "texthash", "inline"};

void blame(Tally& tally, std::string_view text) {
  ++tally.errors;
  complain(text);
}

void remark(Tally& tally, std::string_view text) {
  ++tally.warnings;
  warn(text);
}

template <std::size_t count>
bool is_among(std::string_view name, const std::array<std::string_view, count>& names) {
  return std::ranges::find(names, name) != names.end();
}

std::string value_of(const Installation& installation, std::string_view name) {
  try {
    return installation.config.value(name).value_or("");
  } catch (const config::BadValue&) {
    return {};  // told by the check of parameters
  }
}

std::string place_of(const Installation& installation, std::string_view name) {
  const auto& settings = installation.config.settings();
  const auto found = settings.find(name);
  return found == settings.end() ? fmt::format("parameter {} (default)", name)
                                 : fmt::format("{}: parameter {}", found->second.where.text(), name);
}

std::string path_of_services(const Installation& installation) {
  return installation.config_directory + "/master.cf";
}

struct Services {
  config::MasterCf file;
  std::vector<const config::ServiceLine*> lines;  // those that count
  std::vector<std::string_view> names;            // of those that are no inet service

  const config::ServiceLine* find(std::string_view name) const {
    const auto found = std::ranges::find_if(
        lines, [&](const config::ServiceLine* line) { return line->type != "inet" && line->name == name; });
    return found == lines.end() ? nullptr : *found;
  }
  bool run(std::string_view program) const {
    return std::ranges::any_of(lines, [&](const config::ServiceLine* line) {
      return !line->command.empty() && line->command.front() == program;
    });
  }
};

std::optional<Services> services_of(const Installation& installation) {
  auto file = config::read_master_cf(path_of_services(installation));
  if (!file) return std::nullopt;  // master tells
  Services services{std::move(*file), {}, {}};
  std::vector<config::Remark> remarks;  // master tells them, too
  services.lines = config::effective_lines(services.file, remarks);
  for (const config::ServiceLine* line : services.lines) {
    if (line->type != "inet") services.names.push_back(line->name);
  }
  return services;
}

std::string unknown_service(const Installation& installation, const Services& services, std::string_view name) {
  std::string text = fmt::format("there is no service {} in {}", base::printable(name), path_of_services(installation));
  if (const auto near = config::nearest_of(name, services.names)) text += fmt::format("; did you mean {}?", *near);
  return text;
}

// A service that others ask by a name of main.cf's, and what happens without it.
struct Needed {
  std::string name;
  std::string_view private_field;
  std::string_view without;
  bool is_for_mail = true;
};

std::vector<Needed> needed_services(const config::Config& config) {
  std::vector<Needed> all = {
      {config[param::pickup_service_name], "n", "mail from sendmail(1) waits in maildrop"},
      {config[param::cleanup_service_name], "n", "no mail is taken"},
      {config[param::queue_service_name], "n", "no mail is delivered"},
      {config[param::rewrite_service_name], "y", "no mail is taken, and none delivered"},
      {config[param::bounce_service_name], "y", "mail that cannot be delivered waits"},
      {config[param::defer_service_name], "y", "mail that cannot be delivered waits"},
      {config[param::showq_service_name], "n", "the queue cannot be listed"},
  };
  if (!config[param::maillog_file].empty()) {
    all.push_back({config[param::postlog_service_name], "n", "what commands log does not reach maillog_file", false});
  }
  return all;
}

bool is_private(std::string_view field) {
  return field != "n";
}

void check_service(const Installation& installation, const Services& services, const Needed& needed, Tally& tally) {
  const config::ServiceLine* const line = services.find(needed.name);
  if (line == nullptr) {
    remark(tally, fmt::format("{}: there is no service {}: {}; \"postfix upgrade-configuration\" adds it",
                              path_of_services(installation), base::printable(needed.name), needed.without));
  } else if (is_private(line->private_field) != is_private(needed.private_field)) {
    remark(tally, fmt::format("{}: service {}/{} is asked at {}/{}, but its private field is \"{}\": {}; specify {}",
                              line->where.text(), line->name, line->type,
                              is_private(needed.private_field) ? "private" : "public", line->name, line->private_field,
                              needed.without, needed.private_field));
  }
}

// `each` is called with where it stands, the name, and the expanded value.
template <typename Each>
void for_each_setting_of_services(const Installation& installation, const Services& services, Each&& each) {
  for (const config::ServiceLine* line : services.lines) {
    for (const auto& option : config::arguments_of(*line).options) {
      if (!option.is_override) continue;
      const auto setting = config::split_name_value(option.text);
      if (!setting) continue;
      if (const auto value = installation.config.expand(setting->value)) {
        each(fmt::format("{}: -o {}", line->where.text(), setting->name), setting->name, *value);
      }
    }
  }
}

void check_transport(const Installation& installation, const Services& services, const std::string& where,
                     std::string_view value, Tally& tally) {
  const std::string_view service = service_of(base::trim(value));
  if (service.empty() || services.find(service) != nullptr) return;
  blame(tally, fmt::format("{}: {}", where, unknown_service(installation, services, service)));
}

// Tables that cannot be opened are told elsewhere.
void check_transport_table(const Installation& installation, const Services& services, const std::string& where,
                           const std::string& name, Tally& tally) {
  constexpr int kMostRead = 100000;
  constexpr std::size_t kMostTold = 5;
  if (!is_among(std::string_view(name).substr(0, name.find(':')), kListed)) return;
  std::vector<std::string> problems;
  Names told;
  int left = kMostRead;
  const auto look_at = [&](const table::Entry& entry) {
    const std::string_view service = service_of(base::trim(entry.second));
    if (!service.empty() && services.find(service) == nullptr && told.emplace(service).second) {
      problems.push_back(fmt::format("{}: {}, entry \"{}\": {}", where, name, base::printable(entry.first),
                                     unknown_service(installation, services, service)));
    }
    return --left > 0 && problems.size() < kMostTold;
  };
  {
    const logging::Capture quiet;
    const auto opened = table::open(name, table::Settings::from(installation.config));
    if (!opened || !(*opened)->for_each(look_at)) return;
  }
  for (const std::string& problem : problems) blame(tally, problem);
}

void check_relayhost(const Installation& installation, Tally& tally) {
  const std::string value = value_of(installation, "relayhost");
  for (const std::string_view next_hop : base::split(value)) {
    if (const auto problem = problem_of_next_hop(next_hop)) {
      blame(tally, fmt::format("{}: {}", place_of(installation, "relayhost"), *problem));
    }
  }
}

// Of one agent, which many systems have in master.cf and never use.
void check_limit(const Installation& installation, std::string_view name, std::int64_t limit, Tally& tally) {
  const std::int64_t largest = installation.config[param::message_size_limit];
  if (limit <= 0 || (largest > 0 && limit >= largest)) return;
  const auto& settings = installation.config.settings();
  const std::string_view shown = settings.contains(name) ? name : "message_size_limit";
  remark(tally, fmt::format("{}: {} is {}, which is smaller than message_size_limit, {}: nothing can be delivered",
                            place_of(installation, shown), name, limit,
                            largest == 0 ? std::string("which has no limit") : std::to_string(largest)));
}

void check_words(const Installation& installation, std::string_view name, std::span<const std::string_view> known,
                 bool may_be_empty, Tally& tally) {
  if (!installation.config.settings().contains(name)) return;
  const std::string value = value_of(installation, name);
  const auto words = base::split(value);
  if (words.empty() && !may_be_empty) {
    blame(tally, fmt::format("{}: it must not be empty; use {}", place_of(installation, name), fmt::join(known, ", ")));
  }
  for (const std::string_view word : words) {
    if (std::ranges::any_of(known, [&](std::string_view each) { return base::equals_folded(each, word); })) continue;
    const auto near = config::nearest_of(word, known);
    blame(tally, fmt::format("{}: unknown word \"{}\"; {}", place_of(installation, name), base::printable(word),
                             near ? fmt::format("did you mean \"{}\"?", *near)
                                  : fmt::format("use {}", fmt::join(known, ", "))));
  }
}

}  // namespace

std::string_view service_of(std::string_view transport_and_nexthop) {
  return transport_and_nexthop.substr(0, transport_and_nexthop.find(':'));
}

std::optional<std::string> problem_of_next_hop(std::string_view next_hop) {
  const std::string shown = base::printable(next_hop);
  if (next_hop.contains('[') != next_hop.contains(']')) return fmt::format("{} has only one of its brackets", shown);
  const auto bracket = next_hop.find('[');
  if (bracket != std::string_view::npos && bracket > 0) {
    return fmt::format(
        "{} is no next hop: specify {} here, and the transport with relay_transport or default_transport", shown,
        base::printable(next_hop.substr(bracket)));
  }
  const auto end = next_hop.rfind(']');
  const auto colon = next_hop.rfind(':');
  if (colon == std::string_view::npos || (end != std::string_view::npos && colon < end)) return std::nullopt;
  const std::string port(next_hop.substr(colon + 1));
  if (port.empty() || base::all_digits(port) || ::getservbyname(port.c_str(), "tcp") != nullptr) return std::nullopt;
  return fmt::format("{}: unknown port \"{}\"", shown, base::printable(port));
}

void check_services(const Installation& installation, Tally& tally) try {
  const auto services = services_of(installation);
  if (!services) return;
  if (services->lines.empty()) {
    remark(tally, fmt::format("{}: there is no service in it: nothing runs", path_of_services(installation)));
    return;
  }
  // Who has none of the services that mail passes through has this master for something else.
  const auto handles_mail = [&](const Needed& needed) { return needed.is_for_mail && services->find(needed.name); };
  const auto all = needed_services(installation.config);
  if (!std::ranges::any_of(all, handles_mail)) return;
  for (const Needed& needed : all) check_service(installation, *services, needed, tally);
  for (const config::ServiceLine* line : services->lines) {
    if (line->command.empty() || line->command.front() != "qmgr" || line->process_limit == "1") continue;
    remark(tally, fmt::format("{}: service {}/{}: there must be one queue manager alone: specify 1 for its process "
                              "limit instead of \"{}\"",
                              line->where.text(), line->name, line->type, line->process_limit));
  }
} catch (const config::BadValue&) {
  return;  // told by the check of parameters
}

void check_transports(const Installation& installation, Tally& tally) try {
  check_relayhost(installation, tally);
  const auto services = services_of(installation);
  if (!services) return;
  for (const std::string_view name : kTransports) {
    if (!installation.config.settings().contains(name)) continue;  // who never sends needs no smtp
    check_transport(installation, *services, place_of(installation, name), value_of(installation, name), tally);
  }
  for (const std::string_view name : kTransportTables) {
    for (const std::string& each : tables_in(name, value_of(installation, name))) {
      check_transport_table(installation, *services, place_of(installation, name), each, tally);
    }
  }
  for_each_setting_of_services(installation, *services,
                               [&](const std::string& where, std::string_view name, const std::string& value) {
                                 if (is_among(name, kTransports)) {
                                   check_transport(installation, *services, where, value, tally);
                                 }
                               });
} catch (const config::BadValue&) {
  return;
}

void check_settings_of_daemons(const Installation& installation, Tally& tally) try {
  constexpr std::array<std::string_view, 4> kAddresses = {"envelope_sender", "envelope_recipient", "header_sender",
                                                          "header_recipient"};
  constexpr std::array<std::string_view, 3> kLocks = {"fcntl", "flock", "dotlock"};
  for (const std::string_view name :
       {"canonical_classes", "sender_canonical_classes", "recipient_canonical_classes", "masquerade_classes"}) {
    check_words(installation, name, kAddresses, false, tally);
  }
  for (const std::string_view name : {"mailbox_delivery_lock", "virtual_mailbox_lock"}) {
    check_words(installation, name, kLocks, true, tally);
  }
  const auto services = services_of(installation);
  if (!services) return;
  if (services->run("local")) {
    check_limit(installation, "mailbox_size_limit", installation.config[param::mailbox_size_limit], tally);
  }
  if (services->run("virtual") && !value_of(installation, "virtual_mailbox_maps").empty()) {
    check_limit(installation, "virtual_mailbox_limit", installation.config[param::virtual_mailbox_limit], tally);
  }
} catch (const config::BadValue&) {
  return;
}

}  // namespace postfix
