#pragma once
// Inside the library: what a policy service answers: name=value lines and an empty one. Lines in, an action out.

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

namespace restrictions {

class PolicyReply {
 public:
  static constexpr std::size_t kLongestLine = 16 * 1024;
  static constexpr int kMostLines = 100;

  enum class State { more, complete, too_long };
  // The next line, without its end. Names other than "action" are ignored, of several actions the first counts.
  State take(std::string_view line);
  // After `complete`; nothing: no action was named.
  const std::optional<std::string>& action() const { return action_; }
  bool action_without_value() const { return bare_action_; }  // "action", and no "="

 private:
  std::optional<std::string> action_;
  bool bare_action_ = false;
  int lines_ = 0;
};

}  // namespace restrictions
