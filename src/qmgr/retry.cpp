#include "qmgr/retry.h"

#include <algorithm>

namespace qmgr {

namespace {

// FNV-1a: spreads well enough, and is the same on every machine.
std::uint32_t hash(std::string_view text, std::uint64_t number) {
  std::uint32_t value = 2166136261U;
  const auto add = [&value](unsigned char byte) {
    value ^= byte;
    value *= 16777619U;
  };
  for (const char c : text) add(static_cast<unsigned char>(c));
  for (int shift = 0; shift < 64; shift += 8) add(static_cast<unsigned char>(number >> shift));
  // The low bits of the last bytes have not travelled far yet.
  value ^= value >> 15;
  value *= 2246822519U;
  return value ^ (value >> 13);
}

}  // namespace

std::time_t next_attempt(const RetrySettings& settings, std::string_view queue_id, std::time_t now,
                         std::time_t create_time) {
  const std::time_t age = std::max<std::time_t>(now - create_time, 0);
  // As Postfix: the upper end wins when somebody has put them the wrong way round.
  const std::time_t delay = std::min(std::max(age, settings.minimal_backoff), settings.maximal_backoff);
  const std::time_t most = delay * settings.jitter / 100;
  if (most <= 0) return now + delay;
  return now + delay + static_cast<std::time_t>(hash(queue_id, static_cast<std::uint64_t>(age))) % (most + 1);
}

std::time_t longest_pause(const RetrySettings& settings) {
  const std::time_t delay = settings.maximal_backoff;
  return delay + delay * std::max(settings.jitter, 0) / 100;
}

bool is_too_old(const RetrySettings& settings, bool has_sender, std::time_t now, std::time_t create_time) {
  return now - create_time >= (has_sender ? settings.lifetime : settings.bounce_lifetime);
}

std::time_t BelievedTime::observe(std::time_t wall, std::int64_t steady) {
  const std::time_t expected = started_ ? believed_ + (steady - at_) : wall;
  if (started_ && wall_ + (steady - at_) - wall >= kSmallestStepBack) set_back_ = wall_ + (steady - at_) - wall;
  wall_ = wall;
  if (!started_ || wall - expected <= kLargestStep) {
    doubted_since_ = -1;
    believed_ = wall;
  } else {
    if (doubted_since_ < 0) doubted_since_ = steady;
    if (steady - doubted_since_ >= until_believed_) {
      doubted_since_ = -1;
      believed_ = wall;
    } else {
      believed_ = expected;
    }
  }
  started_ = true;
  at_ = steady;
  return believed_;
}

}  // namespace qmgr
