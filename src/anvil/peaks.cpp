#include "anvil/peaks.h"

#include <fmt/format.h>

#include "logging/log.h"

namespace anvil {

namespace {

struct Row {
  std::string_view event;
  std::string_view what;
  bool rate;
};
constexpr std::array<Row, 6> kRows = {{
    {"anvil.max_connection_rate", "connection rate", true},
    {"anvil.max_connection_count", "connection count", false},
    {"anvil.max_message_rate", "message rate", true},
    {"anvil.max_recipient_rate", "recipient rate", true},
    {"anvil.max_new_tls_rate", "newtls rate", true},
    {"anvil.max_auth_rate", "auth rate", true},
}};

std::string text_of(std::time_t time) {
  static constexpr std::array<std::string_view, 12> kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                               "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm parts{};
  ::localtime_r(&time, &parts);
  return fmt::format("{} {:2} {:02}:{:02}:{:02}", kMonths[static_cast<std::size_t>(parts.tm_mon)], parts.tm_mday,
                     parts.tm_hour, parts.tm_min, parts.tm_sec);
}

}  // namespace

void Peaks::note(Peak kind, int value, std::string_view range) {
  Highest& highest = highest_[static_cast<std::size_t>(kind)];
  if (value <= highest.value) return;
  highest.value = value;
  highest.range = range;
  highest.when = std::time(nullptr);
}

void Peaks::note_size(std::size_t size) {
  if (size <= size_) return;
  size_ = size;
  size_when_ = std::time(nullptr);
}

void Peaks::log(long time_unit) {
  for (std::size_t i = 0; i < kRows.size(); ++i) {
    const Row& row = kRows[i];
    const Highest& highest = highest_[i];
    if (highest.value == 0) continue;
    const std::string when = text_of(highest.when);
    if (row.rate) {
      logging::info(row.event, "statistics: max {what} {value}/{unit}s for ({range}) at {when}",
                    {{"what", row.what},
                     {"value", highest.value},
                     {"unit", time_unit},
                     {"range", highest.range},
                     {"when", when}});
    } else {
      logging::info(row.event, "statistics: max {what} {value} for ({range}) at {when}",
                    {{"what", row.what}, {"value", highest.value}, {"range", highest.range}, {"when", when}});
    }
  }
  if (size_ > 0) {
    logging::info("anvil.max_cache_size", "statistics: max cache size {value} at {when}",
                  {{"value", size_}, {"when", text_of(size_when_)}});
  }
  *this = Peaks();
}

}  // namespace anvil
