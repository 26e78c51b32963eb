#pragma once
// When a message is tried again, and when no more.

#include <cstdint>
#include <ctime>
#include <string_view>

namespace qmgr {

struct RetrySettings {
  std::time_t minimal_backoff = 300;
  std::time_t maximal_backoff = 4000;
  std::time_t lifetime = 5 * 86400;
  std::time_t bounce_lifetime = 5 * 86400;  // of mail without a sender
  int jitter = 10;                          // percent by which a pause may grow
};

// The longer a message waits, the longer the next pause. Which part of the jitter it gets depends on the message and
// its age only.
std::time_t next_attempt(const RetrySettings& settings, std::string_view queue_id, std::time_t now,
                         std::time_t create_time);

bool is_too_old(const RetrySettings& settings, bool has_sender, std::time_t now, std::time_t create_time);

// The longest pause that next_attempt() makes.
std::time_t longest_pause(const RetrySettings& settings);

// The time of day as far as it is believed: a clock that has jumped ahead by more than an hour must still say so a
// while later. Until then time goes on from what was believed before, so that a wrong clock returns no mail to its
// sender.
class BelievedTime {
 public:
  explicit BelievedTime(std::time_t until_believed = 300) : until_believed_(until_believed) {}
  // `wall` is the clock's, `steady` counts seconds that really passed.
  std::time_t observe(std::time_t wall, std::int64_t steady);
  bool in_doubt() const { return doubted_since_ >= 0; }
  // The clock has been set back while we looked: by how much the last time, or 0. Files may have times from before, at
  // which nobody meant them to wait for so long.
  std::time_t set_back() const { return set_back_; }

 private:
  static constexpr std::time_t kLargestStep = 3600;
  static constexpr std::time_t kSmallestStepBack = 10;
  std::time_t until_believed_;
  bool started_ = false;
  std::time_t believed_ = 0;
  std::time_t wall_ = 0;
  std::int64_t at_ = 0;
  std::time_t set_back_ = 0;
  std::int64_t doubted_since_ = -1;
};

}  // namespace qmgr
