#pragma once
// What main.cf says about scheduling: for the queue as a whole, and for each transport.

#include <cstdint>
#include <limits>
#include <optional>
#include <string_view>

namespace qmgr::scheduler {

// Microseconds of a clock that never goes back. The scheduler has none of its own.
using Time = std::int64_t;
constexpr Time kSecond = 1'000'000;
constexpr Time kNever = std::numeric_limits<Time>::max();

// How much one delivery raises or lowers the number of parallel deliveries to its destination.
struct Feedback {
  enum class Per { delivery, concurrency, sqrt_concurrency };
  double amount = 1;
  Per per = Per::delivery;

  double at(int concurrency) const;
  // "0.5", "1/4", "1/concurrency", "0.5/sqrt_concurrency"; nothing when malformed or not from 0 to 1.
  static std::optional<Feedback> parse(std::string_view text);
};

struct TransportSettings {
  int concurrency_limit = 20;  // of one destination; 0: none
  int initial_concurrency = 5;
  Feedback positive;
  Feedback negative;
  int failed_cohort_limit = 1;           // 0: a destination is never given up
  Time destination_rate_delay = 0;       // after each delivery to a destination; one at a time then
  Time transport_rate_delay = 0;         // after each delivery of the transport; one at a time then
  int destination_recipient_limit = 50;  // of one delivery; 0: none. 1: each recipient is a destination
  int recipient_limit = 20000;           // in memory
  int extra_recipient_limit = 1000;      // for messages that overtake others
  int refill_limit = 100;
  Time refill_delay = 5 * kSecond;
  int slot_cost = 5;  // 0: no overtaking
  int slot_loan = 3;
  int slot_discount = 50;  // percent
  int minimum_slots = 3;
  int capacity = 100;  // deliveries at once: what the transport's processes can take
};

struct Settings {
  Time dead_destination_time = 300 * kSecond;  // minimal_backoff_time
  Time dead_transport_time = 60 * kSecond;     // transport_retry_time
  int active_limit = 20000;                    // qmgr_message_active_limit
  int recipient_limit = 20000;                 // qmgr_message_recipient_limit
  int recipient_minimum = 10;                  // qmgr_message_recipient_minimum
  Time clog_warn_time = 300 * kSecond;         // 0: no warnings
};

}  // namespace qmgr::scheduler
