// smtpd_command_filter in a session. A filter that gives each command back changes nothing; one that gives the server
// whatever the client wants it to (an even first byte) still has nothing but replies told and whole mail taken.
#include <cstdint>
#include <cstdlib>

#include "lib/smtpd_world.h"

namespace {

using smtpd_world::World;

constexpr std::string_view kSame = "smtpd_command_filter = pcre:{ {/^(.*)$$/ $$1} }\n";
// Cuts, doubles and turns around what the client said.
constexpr std::string_view kOther =
    "smtpd_command_filter = pcre:{ {/^CUT .*?=(.*)$$/ $$1}, {/^TWICE (.*)$$/ $$1 $$1}, {/^TURN (.*?)=(.*)$$/ $$2$$1}, "
    "{/^EMPTY.*$$/ $$1}, {/^MANY (.*)$$/ $$1$$1$$1$$1$$1$$1$$1$$1$$1$$1$$1$$1$$1$$1$$1$$1} }\n";
constexpr std::string_view kRules = "smtpd_hard_error_limit = 50\nsmtpd_junk_command_limit = 50\n";

struct Outcome {
  explicit Outcome(World& world, std::string_view input) {
    world.sink.begun.clear();
    said = world.say(input);
    for (const auto& taken : world.sink.finished()) {
      content.push_back(taken->content());
      content.push_back(taken->of(queue::RecordType::recipient));
      content.push_back(taken->of(queue::RecordType::sender));
      if (content.end()[-2].empty() || content.back().size() != 1) std::abort();
    }
  }
  bool operator==(const Outcome&) const = default;

  std::string said;
  std::vector<std::vector<std::string>> content;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static World plain(kRules);
  static World same(std::string(kRules) + std::string(kSame));
  static World other(std::string(kRules) + std::string(kOther));
  if (size == 0 || size > 100'000) return 0;
  const logging::Capture quiet;
  const std::string_view input(reinterpret_cast<const char*>(data) + 1, size - 1);
  if (data[0] % 2 == 0) {
    if (!smtpd_world::are_replies(Outcome(other, input).said)) std::abort();
  } else if (Outcome(plain, input) != Outcome(same, input)) {
    std::abort();
  }
  return 0;
}
