#pragma once
// What qmgr takes from main.cf, and from master.cf how many deliveries each transport's processes can take.

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "qmgr/retry.h"
#include "qmgr/scheduler/settings.h"

namespace qmgr {

// Deliveries at once, by transport. One without an entry gets `other`.
struct Capacities {
  std::map<std::string, int, std::less<>> transports;
  int other = 100;

  // Processes times clients of each UNIX service of master.cf. A file that cannot be read is a warning.
  static Capacities from_master_cf(const config::Config& config);
  int of(std::string_view transport) const;
};

struct Settings {
  scheduler::Settings scheduling;
  RetrySettings retry;
  std::chrono::seconds queue_run_delay{300};
  std::chrono::seconds ipc_timeout{60};
  std::chrono::seconds longest_delivery{18060};
  std::vector<std::string> defer_transports;
  std::string default_filter_nexthop;
  std::string double_bounce_local_part;
  std::string recipient_delimiters;
  bool confirm_delay_cleared = false;
  bool verp_bounces = true;
  bool compatible_logs = true;
  bool external_addresses = true;
  bool debug_feedback = false;
  int most_probes = 5000;      // address_verify_pending_request_limit
  int most_deliveries = 1000;  // what descriptors allow

  // Throws config::BadValue. Values that contradict each other are adjusted, with a warning, as Postfix does.
  static Settings from(const config::Config& config);
};

// Values that cannot be used are warnings, and the default's place is taken by the built-in one.
scheduler::TransportSettings transport_settings(const config::Config& config, const Capacities& capacities,
                                                std::string_view transport);

}  // namespace qmgr
