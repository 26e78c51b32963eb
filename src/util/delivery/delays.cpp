// delay= and delays=: two significant digits, no more decimals than asked for, no trailing zeros. What is longer than
// ten seconds is told in whole seconds.

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "delivery/outcome.h"

namespace delivery {

namespace {

constexpr std::int64_t kSecond = 1'000'000;

std::string format_delay(std::int64_t microseconds, int most_decimals) {
  const std::int64_t delay = std::max<std::int64_t>(microseconds, 0);
  // Decimals that show two digits of this number: 0 from ten seconds on, 1 from one second on, ...
  int decimals = 0;
  for (std::int64_t bound = 10 * kSecond; decimals < most_decimals && delay < bound; bound /= 10) ++decimals;
  std::int64_t unit = kSecond;
  for (int i = 0; i < decimals; ++i) unit /= 10;
  const std::int64_t units = (delay + unit / 2) / unit;
  const std::int64_t units_in_second = kSecond / unit;
  std::string text = fmt::format("{}", units / units_in_second);
  if (decimals > 0) {
    text += fmt::format(".{:0{}}", units % units_in_second, decimals);
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

}  // namespace

std::string format_delays(const Times& times, int decimals) {
  const int most = std::clamp(decimals, 0, 6);
  const std::int64_t end = times.delivered != 0 ? times.delivered : microseconds_now();
  // Each part ends where the next one that was reached begins.
  const std::array<std::int64_t, 4> starts = {times.arrival, times.active, times.handoff, times.connected};
  std::array<std::int64_t, 4> parts{};
  for (std::size_t i = 0; i < starts.size(); ++i) {
    if (starts[i] == 0) continue;
    std::size_t next = i + 1;
    while (next < starts.size() && starts[next] == 0) ++next;
    // No connection was needed: all of the time at the agent is that of the delivery.
    const std::size_t part = i == 2 && next == starts.size() ? 3 : i;
    parts[part] = (next < starts.size() ? starts[next] : end) - starts[i];
  }
  return fmt::format("delay={}, delays={}/{}/{}/{}", format_delay(end - times.arrival, most),
                     format_delay(parts[0], most), format_delay(parts[1], most), format_delay(parts[2], most),
                     format_delay(parts[3], most));
}

}  // namespace delivery
