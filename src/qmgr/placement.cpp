#include "qmgr/placement.h"

#include <algorithm>

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"

namespace qmgr {

delivery::Status status(std::string code, std::string reason) {
  delivery::Status result;
  result.code = std::move(code);
  result.reason = std::move(reason);
  return result;
}

Place place(const PlacementRules& rules, const FindRoute& find_route, std::string_view recipient) {
  const Settings& settings = rules.settings;
  if (recipient.empty()) {
    return Verdict{std::string(recipient), delivery::Bounced{status("5.1.3", "null recipient address")}};
  }

  Placement placement;
  bool is_local = false;
  if (!rules.filter.empty()) {
    // The filter gives the message back for its real delivery; what is said about its recipients counts then.
    const auto colon = rules.filter.find(':');
    placement.address = recipient;
    placement.transport = rules.filter.substr(0, colon);
    if (colon != std::string_view::npos) placement.nexthop = rules.filter.substr(colon + 1);
    if (placement.nexthop.empty()) placement.nexthop = settings.default_filter_nexthop;
    if (placement.nexthop.empty()) placement.nexthop = mail::split(recipient).domain;
  } else {
    auto route = find_route(rules.sender, recipient);
    if (!route) {
      logging::warning("qmgr.resolver", "problem talking to the address resolver: {recipient}: {problem}",
                       {{"recipient", recipient}, {"problem", route.error().text}});
      return Verdict{std::string(recipient), delivery::Deferred{status("4.3.0", "address resolver failure")}};
    }
    if (route->bad_address) {
      return Verdict{std::string(recipient), delivery::Bounced{status("5.1.3", "bad address syntax")}};
    }
    placement.address = std::move(route->recipient);
    placement.transport = std::move(route->transport);
    placement.nexthop = std::move(route->nexthop);
    is_local = route->address_class == routing::AddressClass::local;
  }

  // Notices about notices that could not be delivered either.
  if (is_local && base::equals_folded(mail::split(placement.address).local, settings.double_bounce_local_part)) {
    return Verdict{std::move(placement.address),
                   delivery::Sent{status("2.0.0", "undeliverable postmaster notification discarded")}};
  }
  if (!rules.defer_transports_deliver &&
      std::ranges::find(settings.defer_transports, placement.transport) != settings.defer_transports.end()) {
    return Verdict{std::move(placement.address), delivery::Deferred{status("4.3.2", "deferred transport")}};
  }
  return placement;
}

std::string destination_key(const Placement& placement, int recipients_per_delivery, std::string_view delimiters) {
  if (recipients_per_delivery != 1) return base::lower(placement.nexthop);
  std::string_view mailbox = mail::split(placement.address).local;
  const auto extension = mailbox.find_first_of(delimiters);
  if (extension != std::string_view::npos && extension > 0) mailbox = mailbox.substr(0, extension);
  return base::lower(fmt::format("{}@{}", mailbox, placement.nexthop));
}

}  // namespace qmgr
