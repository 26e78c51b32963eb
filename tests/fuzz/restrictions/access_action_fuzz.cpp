// What a table says is done or refused in one line of text; and no table makes the server say "yes" by nonsense.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "lib/restrictions_world.h"
#include "logging/log.h"
#include "restrictions/evaluation.h"

namespace {

struct System : restrictions_world::System {
  restrictions::Environment environment{uses()};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const logging::Capture quiet;
  static const System system;
  const std::string_view action(reinterpret_cast<const char*>(data), size);
  // To sleep is allowed, but not here.
  if (base::lower(action).contains("sleep")) return 0;
  const restrictions_world::Visitor visitor;
  restrictions::Evaluation evaluation(system.environment, visitor.subject, nullptr);
  const auto outcome = restrictions::act(evaluation, "hash:/t", "a@b.test", action, evaluation.sender());
  if (outcome.verdict == restrictions::Outcome::Verdict::reject && !outcome.hang_up) {
    const std::string line = outcome.reply.line();
    if (line.size() > 510 || (line[0] != '4' && line[0] != '5') || line.find('\n') != std::string::npos ||
        line.find('\r') != std::string::npos || line.find('\0') != std::string::npos) {
      std::abort();
    }
  }
  return 0;
}
