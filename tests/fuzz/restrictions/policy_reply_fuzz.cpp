// Whatever a policy service says: an action, or none, in bounded memory.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "restrictions/policy_reply.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using State = restrictions::PolicyReply::State;
  std::string_view text(reinterpret_cast<const char*>(data), size);
  restrictions::PolicyReply reply;
  int lines = 0;
  for (State state = State::more; state == State::more && !text.empty();) {
    const std::string_view line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    state = reply.take(line);
    if (++lines > restrictions::PolicyReply::kMostLines + 1) std::abort();
  }
  if (reply.action() && reply.action()->size() > restrictions::PolicyReply::kLongestLine) std::abort();
  return 0;
}
