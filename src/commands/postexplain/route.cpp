#include "postexplain/route.h"

#include <algorithm>

#include "base/text.h"
#include "config/param.h"
#include "mail/address.h"
#include "table/fold.h"

namespace postexplain {

namespace {

namespace param = config::param;

bool listed(std::string_view list, std::string_view word) {
  return std::ranges::any_of(base::split(list), [&](std::string_view item) { return base::equals_folded(item, word); });
}

}  // namespace

Fate worse(Fate a, Fate b) {
  if (a == Fate::refused || b == Fate::refused) return Fate::refused;
  if (a == Fate::waits || b == Fate::waits) return Fate::waits;
  return Fate::delivered;
}

std::string_view name_of(Fate fate) {
  switch (fate) {
    case Fate::delivered:
      return "delivered";
    case Fate::refused:
      return "refused";
    case Fate::waits:
      return "waits";
  }
  return {};
}

Fate RouteReport::fate() const {
  Fate fate = problem.empty() ? Fate::delivered : Fate::waits;
  for (const Destination& destination : destinations) fate = worse(fate, destination.fate);
  return fate;
}

Routes::Routes(const Setup& setup)
    : setup_(setup),
      router_(setup.config()),
      canonical_(setup.config(), router_, "canonical_maps", "canonical"),
      sender_canonical_(setup.config(), router_, "sender_canonical_maps", "canonical"),
      recipient_canonical_(setup.config(), router_, "recipient_canonical_maps", "canonical"),
      virtual_alias_(setup.config(), router_, "virtual_alias_maps", "virtual"),
      sender_bcc_(setup.config(), router_, "sender_bcc_maps", ""),
      recipient_bcc_(setup.config(), router_, "recipient_bcc_maps", ""),
      masquerade_(setup.config()),
      maps_(!listed(setup.config()[param::receive_override_options], "no_address_mappings")) {}

bool Routes::covers(std::string_view classes_parameter, std::string_view word) const {
  return listed(setup_.config().value(classes_parameter).value_or(""), word);
}

bool Routes::apply(const routing::AddressMap& map, Trace& trace, std::string& address, std::string& problem) const {
  if (map.empty()) return true;
  auto result = routing::canonical(map, address, &trace);
  if (!result) {
    problem = fmt::format("{}: {}", map.parameter(), result.error().text);
    return false;
  }
  address = std::move(*result);
  return true;
}

// What cleanup does with an envelope address before it is expanded. False: a table cannot answer.
bool Routes::mapped(RouteReport& report, std::vector<Step>& steps, bool is_sender, std::string& address) const {
  Trace trace(steps);
  address = router_.rewrite_internal(routing::Context::local, address, &trace);
  if (!maps_) return true;
  const std::string_view word = is_sender ? "envelope_sender" : "envelope_recipient";
  const auto& special = is_sender ? sender_canonical_ : recipient_canonical_;
  if (covers(is_sender ? "sender_canonical_classes" : "recipient_canonical_classes", word) &&
      !apply(special, trace, address, report.problem)) {
    return false;
  }
  if (covers("canonical_classes", word) && !apply(canonical_, trace, address, report.problem)) return false;
  if (!covers("masquerade_classes", word) || masquerade_.empty()) return true;
  auto result = masquerade_.apply(address, &trace);
  if (!result) {
    report.problem = fmt::format("masquerade_exceptions: {}", result.error().text);
    return false;
  }
  address = std::move(*result);
  return true;
}

void Routes::expand(RouteReport& report, const std::string& address, std::string_view copy_by) const {
  std::vector<std::string> addresses{address};
  if (maps_ && !virtual_alias_.empty()) {
    Trace trace(report.steps);
    auto expansion = routing::expand_virtual(virtual_alias_, setup_.config(), address, &trace);
    if (!expansion) {
      report.problem = fmt::format("virtual_alias_maps: {}", expansion.error().text);
      return;
    }
    if (!expansion->problem.empty()) {
      report.problem = std::move(expansion->problem);
      return;
    }
    addresses = std::move(expansion->addresses);
  }
  for (std::string& each : addresses) {
    const auto is_same = [&](const Destination& other) {
      return table::fold_key(other.recipient, true) == table::fold_key(each, true);
    };
    if (std::ranges::any_of(report.destinations, is_same)) continue;
    Destination destination;
    destination.recipient = std::move(each);
    destination.copy_by = copy_by;
    resolve(report, destination);
    report.destinations.push_back(std::move(destination));
  }
}

void Routes::copy_to(RouteReport& report, const std::string& address, std::string_view parameter) const {
  std::string copy = address;
  if (mapped(report, report.steps, false, copy)) expand(report, copy, parameter);
}

void Routes::copy_by(RouteReport& report, const routing::AddressMap& map, const std::string& key) const {
  if (map.empty() || key.empty() || !report.problem.empty()) return;
  Trace trace(report.steps);
  const auto result = map.find_one(key, &trace);
  if (!result) {
    report.problem = fmt::format("{}: {}", map.parameter(), result.error().text);
  } else if (*result && !(*result)->empty()) {
    copy_to(report, **result, map.parameter());
  }
}

void Routes::resolve(const RouteReport& report, Destination& destination) const {
  Trace trace(destination.steps);
  auto route = router_.resolve(report.rewritten_sender, destination.recipient, &trace);
  if (!route) {
    destination.fate = Fate::waits;
    destination.problem = route.error().text;
    return;
  }
  destination.route = std::move(*route);
  if (destination.route.bad_address) {
    destination.fate = Fate::refused;
    destination.problem = "the address is not valid";
    return;
  }
  const std::string& transport = destination.route.transport;
  if (const config::ServiceLine* const line = setup_.transport(transport)) {
    destination.service_at = line->where.text();
  } else if (setup_.has_master_cf()) {
    destination.fate = Fate::waits;
    destination.problem = fmt::format("master.cf has no service {}: the mail would wait", transport);
  }
  if (transport == "error" || transport == "retry") {
    destination.fate = transport == "error" ? Fate::refused : Fate::waits;
    destination.problem = destination.route.nexthop;
  }
}

RouteReport Routes::explain(std::string_view sender, std::string_view address) const {
  RouteReport report;
  report.address = address;
  report.sender = report.rewritten_sender = sender;
  if (!sender.empty() && !mapped(report, report.sender_steps, true, report.rewritten_sender)) return report;
  std::string recipient(address);
  if (recipient.empty()) {
    recipient = setup_.config()[param::empty_address_recipient];
    Trace(report.steps).rewrote("empty_address_recipient", "", recipient);
  }
  report.filter = setup_.config()[param::content_filter];
  if (!maps_) Trace(report.steps).decided("address mapping", "off", "receive_override_options");
  if (!mapped(report, report.steps, false, recipient)) return report;
  expand(report, recipient, "");
  if (!maps_) return report;
  copy_by(report, recipient_bcc_, recipient);
  copy_by(report, sender_bcc_, report.rewritten_sender);
  const std::string& always = setup_.config()[param::always_bcc];
  if (!always.empty() && report.problem.empty()) copy_to(report, always, "always_bcc");
  return report;
}

}  // namespace postexplain
