#pragma once
// master.cf held against main.cf and the tables: services that mail cannot do without, transports that nobody offers;
// and settings with which a daemon would not start.

#include <optional>
#include <string>
#include <string_view>

#include "config/config.h"
#include "config/master_cf.h"
#include "postfix/installation.h"

namespace postfix {

// Of "smtp:[relay.example.com]:587" the service; empty when the value names none.
std::string_view service_of(std::string_view transport_and_nexthop);

// Why a next hop that names no service (relayhost) cannot be meant; nothing when it can.
std::optional<std::string> problem_of_next_hop(std::string_view next_hop);

void check_services(const Installation& installation, Tally& tally);
void check_transports(const Installation& installation, Tally& tally);

// cleanup, local, virtual: what would keep them from starting, and all mail waiting. `postfix reload` refuses it.
void check_settings_of_daemons(const Installation& installation, Tally& tally);

}  // namespace postfix
