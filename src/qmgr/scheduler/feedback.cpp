#include <charconv>
#include <cmath>

#include "base/text.h"
#include "qmgr/scheduler/settings.h"

namespace qmgr::scheduler {

namespace {

std::optional<double> to_number(std::string_view text) {
  double number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(number)) return std::nullopt;
  return number;
}

}  // namespace

double Feedback::at(int concurrency) const {
  switch (per) {
    case Per::delivery:
      return amount;
    case Per::concurrency:
      return amount / concurrency;
    case Per::sqrt_concurrency:
      return amount / std::sqrt(concurrency);
  }
  return amount;
}

std::optional<Feedback> Feedback::parse(std::string_view text) {
  text = base::trim(text);
  const auto slash = text.find('/');
  const auto dividend = to_number(base::trim(text.substr(0, slash)));
  if (!dividend) return std::nullopt;
  Feedback feedback{*dividend, Per::delivery};
  if (slash != std::string_view::npos) {
    const std::string_view divisor = base::trim(text.substr(slash + 1));
    if (base::equals_folded(divisor, "concurrency")) {
      feedback.per = Per::concurrency;
    } else if (base::equals_folded(divisor, "sqrt_concurrency")) {
      feedback.per = Per::sqrt_concurrency;
    } else {
      const auto number = to_number(divisor);
      if (!number || *number <= 0) return std::nullopt;
      feedback.amount /= *number;
    }
  }
  if (feedback.amount < 0 || feedback.amount > 1) return std::nullopt;
  return feedback;
}

}  // namespace qmgr::scheduler
