#include "qmgr/settings.h"

#include <sys/resource.h>

#include <algorithm>

#include "base/text.h"
#include "config/master_cf.h"
#include "config/param.h"
#include "logging/log.h"

namespace qmgr {

namespace {

namespace param = config::param;
namespace family = config::param::family;
using scheduler::kSecond;
using scheduler::Time;

// Descriptors for files, connections of clients and logs; the rest may be deliveries.
constexpr int kOtherDescriptors = 400;
constexpr int kMostDeliveries = 20'000;  // each has a stack: see the kernel's limit on mappings

Time in_microseconds(base::Seconds time) {
  return time.count() * kSecond;
}

int descriptors_left() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return 100;
  const auto most = std::min<rlim_t>(limit.rlim_cur, kMostDeliveries + kOtherDescriptors);
  const int left = static_cast<int>(most) - kOtherDescriptors;
  return std::max(left, static_cast<int>(most) / 4);
}

int at_least(int value, int minimum, std::string_view small, std::string_view large) {
  if (value >= minimum) return value;
  logging::warning("qmgr.adjusted", "{small} is smaller than {large} - adjusting {small}",
                   {{"small", small}, {"large", large}});
  return minimum;
}

// A mistake in one transport's parameters must not stop the mail of all others.
template <typename Get>
auto or_default(Get&& get, decltype(get()) fallback) -> decltype(get()) {
  try {
    return get();
  } catch (const config::BadValue& problem) {
    logging::warning("qmgr.bad_value", "{problem}", {{"problem", problem.what()}});
    return fallback;
  }
}

}  // namespace

Capacities Capacities::from_master_cf(const config::Config& config) {
  Capacities capacities;
  capacities.other = std::max(1, config[param::default_process_limit]);
  const auto file = config::read_master_cf(config.directory() + "/master.cf");
  if (!file) {
    logging::warning("qmgr.master_cf", "{problem}", {{"problem", file.error().text}});
    return capacities;
  }
  std::vector<config::Remark> remarks;
  for (const config::ServiceLine* line : config::effective_lines(*file, remarks)) {
    const auto service = config::interpret(*line, {.process_limit = capacities.other, .chroot = false});
    if (!service || service->type != config::ServiceType::unix_stream) continue;
    const std::int64_t processes = service->process_limit > 0 ? service->process_limit : capacities.other;
    const std::int64_t clients =
        std::max(1, or_default([&] { return config.integer_of(service->name, family::client_limit); }, 1));
    capacities.transports[service->name] =
        static_cast<int>(std::min<std::int64_t>(processes * clients, kMostDeliveries));
  }
  return capacities;
}

int Capacities::of(std::string_view transport) const {
  const auto found = transports.find(transport);
  return found == transports.end() ? other : found->second;
}

Settings Settings::from(const config::Config& config) {
  Settings settings;
  scheduler::Settings& scheduling = settings.scheduling;
  scheduling.dead_destination_time = in_microseconds(config[param::minimal_backoff_time]);
  scheduling.dead_transport_time = in_microseconds(config[param::transport_retry_time]);
  scheduling.active_limit = config[param::qmgr_message_active_limit];
  scheduling.recipient_limit = at_least(config[param::qmgr_message_recipient_limit], scheduling.active_limit,
                                        "qmgr_message_recipient_limit", "qmgr_message_active_limit");
  scheduling.recipient_minimum = config[param::qmgr_message_recipient_minimum];
  scheduling.clog_warn_time = config[param::helpful_warnings] ? in_microseconds(config[param::qmgr_clog_warn_time]) : 0;

  RetrySettings& retry = settings.retry;
  retry.minimal_backoff = config[param::minimal_backoff_time].count();
  retry.maximal_backoff = config[param::maximal_backoff_time].count();
  retry.lifetime = config[param::maximal_queue_lifetime].count();
  retry.bounce_lifetime = config[param::bounce_queue_lifetime].count();
  retry.jitter = config[param::retry_jitter];
  if (retry.bounce_lifetime > retry.lifetime) {
    logging::warning("qmgr.adjusted", "{large} is larger than {small} - adjusting {large}",
                     {{"large", "bounce_queue_lifetime"}, {"small", "maximal_queue_lifetime"}});
    retry.bounce_lifetime = retry.lifetime;
  }

  settings.queue_run_delay = config[param::queue_run_delay];
  settings.ipc_timeout = config[param::qmgr_ipc_timeout];
  // An agent that takes longer is ended by its own watchdog.
  settings.longest_delivery = config[param::daemon_timeout] + std::chrono::seconds(60);
  for (const auto name : base::split(config[param::defer_transports])) settings.defer_transports.emplace_back(name);
  settings.default_filter_nexthop = config[param::default_filter_nexthop];
  settings.double_bounce_local_part = config[param::double_bounce_sender];
  settings.recipient_delimiters = config[param::recipient_delimiter];
  settings.confirm_delay_cleared = config[param::confirm_delay_cleared];
  settings.verp_bounces = !config[param::disable_verp_bounces];
  settings.compatible_logs = config[param::backwards_bounce_logfile_compatibility];
  settings.external_addresses = config[param::info_log_address_format] != "internal";
  settings.debug_feedback = config[param::destination_concurrency_feedback_debug];
  settings.most_probes = config[param::address_verify_pending_request_limit];
  settings.most_deliveries = descriptors_left();
  return settings;
}

scheduler::TransportSettings transport_settings(const config::Config& config, const Capacities& capacities,
                                                std::string_view transport) {
  scheduler::TransportSettings settings;
  const auto number = [&](config::IntegerKey key, int& value, int minimum = 0) {
    value = std::max(or_default([&] { return config.integer_of(transport, key); }, value), minimum);
  };
  const auto time = [&](config::TimeKey key, Time& value, Time minimum = 0) {
    value = std::max(or_default([&] { return in_microseconds(config.time_of(transport, key)); }, value), minimum);
  };
  const auto feedback = [&](config::TextKey key, scheduler::Feedback& value) {
    const std::string text = or_default([&] { return config.text_of(transport, key); }, std::string("1"));
    if (const auto parsed = scheduler::Feedback::parse(text)) {
      value = *parsed;
      return;
    }
    logging::warning("qmgr.bad_feedback", "{transport}: ignoring malformed or unreasonable feedback: {text}",
                     {{"transport", transport}, {"text", text}});
  };
  number(family::destination_concurrency_limit, settings.concurrency_limit);
  number(family::initial_destination_concurrency, settings.initial_concurrency, 1);
  feedback(family::destination_concurrency_positive_feedback, settings.positive);
  feedback(family::destination_concurrency_negative_feedback, settings.negative);
  number(family::destination_concurrency_failed_cohort_limit, settings.failed_cohort_limit);
  time(family::destination_rate_delay, settings.destination_rate_delay);
  time(family::transport_rate_delay, settings.transport_rate_delay);
  number(family::destination_recipient_limit, settings.destination_recipient_limit);
  number(family::recipient_limit, settings.recipient_limit);
  number(family::extra_recipient_limit, settings.extra_recipient_limit);
  number(family::recipient_refill_limit, settings.refill_limit, 1);
  time(family::recipient_refill_delay, settings.refill_delay, kSecond);
  number(family::delivery_slot_cost, settings.slot_cost);
  number(family::delivery_slot_loan, settings.slot_loan);
  number(family::delivery_slot_discount, settings.slot_discount);
  settings.slot_discount = std::min(settings.slot_discount, 100);
  number(family::minimum_delivery_slots, settings.minimum_slots);
  settings.capacity = capacities.of(transport);
  return settings;
}

}  // namespace qmgr
