#include "config/typed.h"

#include "base/text.h"
#include "base/time_units.h"

namespace config {

namespace {

constexpr std::int64_t kNoMinimum = std::numeric_limits<std::int64_t>::min();
constexpr std::int64_t kNoMaximum = std::numeric_limits<std::int64_t>::max();

struct Range {
  std::int64_t minimum;
  std::int64_t maximum;
  bool holds(std::int64_t number) const { return number >= minimum && number <= maximum; }
};

// What the type can hold, and within that what the parameter allows.
Range range_of(const Parameter& parameter, Range type) {
  return {std::max(parameter.minimum, type.minimum), std::min(parameter.maximum, type.maximum)};
}

// In the largest unit that needs no fraction: 300s, 5d.
std::string time_text(std::int64_t seconds) {
  for (const char unit : {'w', 'd', 'h', 'm'}) {
    if (seconds != 0 && seconds % base::seconds_in_unit(unit) == 0) {
      return std::to_string(seconds / base::seconds_in_unit(unit)) + unit;
    }
  }
  return std::to_string(seconds) + "s";
}

std::string bounds_text(const Parameter& parameter, const Range& range, std::string (*text)(std::int64_t)) {
  if (parameter.minimum == kNoMinimum && parameter.maximum == kNoMaximum) return "";
  if (parameter.minimum == kNoMinimum) return " of at most " + text(range.maximum);
  return " from " + text(range.minimum) + " to " + text(range.maximum);
}

std::string number_text(std::int64_t number) {
  return std::to_string(number);
}

// As strtol has it: a plus is fine.
std::string_view without_plus(std::string_view value) {
  if (value.size() > 1 && value[0] == '+' && base::is_digit(value[1])) value.remove_prefix(1);
  return value;
}

std::expected<std::int64_t, std::string> number(const Parameter& parameter, std::string_view value, Range type) {
  const Range range = range_of(parameter, type);
  const auto number = base::to_long(without_plus(value));
  if (number && range.holds(*number)) return *number;
  return std::unexpected("must be a number" + bounds_text(parameter, range, number_text));
}

std::expected<std::int64_t, std::string> time(const Parameter& parameter, std::string_view value) {
  const Range range = range_of(parameter, {0, std::numeric_limits<std::int32_t>::max()});
  const auto seconds = base::to_seconds(without_plus(value), parameter.unit);
  if (!seconds)
    return std::unexpected("must be a time: a number and one of s m h d w" + bounds_text(parameter, range, time_text));
  if (!range.holds(seconds->count()))
    return std::unexpected("must be a time" + bounds_text(parameter, range, time_text));
  return seconds->count();
}

std::expected<std::int64_t, std::string> text(const Parameter& parameter, std::string_view value) {
  const auto length = static_cast<std::int64_t>(value.size());
  if (length >= parameter.minimum && length <= parameter.maximum) return length;
  if (value.empty()) return std::unexpected("must not be empty");
  if (parameter.maximum == kNoMaximum) {
    return std::unexpected("must have at least " + std::to_string(parameter.minimum) + " characters");
  }
  return std::unexpected("must have from " + std::to_string(std::max<std::int64_t>(parameter.minimum, 0)) + " to " +
                         std::to_string(parameter.maximum) + " characters");
}

}  // namespace

std::expected<std::int64_t, std::string> measure(const Parameter& parameter, std::string_view value) {
  switch (parameter.type) {
    case Type::text:
    case Type::raw:
      return text(parameter, value);
    case Type::boolean:
      if (base::equals_folded(value, "yes")) return 1;
      if (base::equals_folded(value, "no")) return 0;
      return std::unexpected("must be yes or no");
    case Type::integer:
      return number(parameter, value,
                    {std::numeric_limits<std::int32_t>::min(), std::numeric_limits<std::int32_t>::max()});
    case Type::big_integer:
      return number(parameter, value, {kNoMinimum, kNoMaximum});
    case Type::time:
      return time(parameter, value);
  }
  return std::unexpected("has no type");
}

}  // namespace config
