#include "restrictions/policy_reply.h"

#include "base/text.h"

namespace restrictions {

PolicyReply::State PolicyReply::take(std::string_view line) {
  if (line.empty()) return State::complete;
  if (++lines_ > kMostLines || line.size() > kLongestLine) return State::too_long;
  const auto equals = line.find('=');
  if (equals == std::string_view::npos) bare_action_ = bare_action_ || base::trim(line) == "action";
  if (equals == std::string_view::npos || action_) return State::more;
  if (base::trim(line.substr(0, equals)) == "action") action_ = base::trim(line.substr(equals + 1));
  return State::more;
}

}  // namespace restrictions
