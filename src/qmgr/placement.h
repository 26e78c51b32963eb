#pragma once
// Where one recipient of a message goes, or what becomes of it without a delivery.

#include <expected>
#include <functional>
#include <string>
#include <string_view>
#include <variant>

#include "delivery/outcome.h"
#include "qmgr/settings.h"
#include "routing/router.h"

namespace qmgr {

struct Placement {
  std::string address;  // as the agent gets it
  std::string transport;
  std::string nexthop;
};
// Decided here, without an agent.
struct Verdict {
  std::string address;
  delivery::Outcome outcome;
};
using Place = std::variant<Placement, Verdict>;

// What the message asks for.
struct PlacementRules {
  const Settings& settings;
  std::string_view sender;
  std::string_view filter;        // content_filter in force: "transport:nexthop"
  bool defer_transports_deliver;  // somebody has asked for delivery just now
};

// Router::resolve of the right purpose.
using FindRoute =
    std::function<std::expected<routing::Route, table::Error>(std::string_view sender, std::string_view recipient)>;
Place place(const PlacementRules& rules, const FindRoute& find_route, std::string_view recipient);

delivery::Status status(std::string code, std::string reason);

// What makes two recipients of a transport have the same destination. Where a delivery has one recipient only, that is
// the mailbox, whatever the address extension.
std::string destination_key(const Placement& placement, int recipients_per_delivery, std::string_view delimiters);

}  // namespace qmgr
