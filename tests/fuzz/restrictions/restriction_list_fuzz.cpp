// A list is parsed, or each of its mistakes is told in a line; whatever is in it can then be asked.
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

#include "base/text.h"
#include "lib/restrictions_world.h"
#include "logging/log.h"
#include "restrictions/parser.h"

namespace {

// Files, commands and hosts are not for random names.
bool reaches_out(std::string_view text) {
  return text.contains(':') || base::lower(text).contains("sleep");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const logging::Capture quiet;
  static restrictions_world::System system(
      "smtpd_restriction_classes = one, two\none = two, permit_mynetworks\ntwo = reject\n");
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  restrictions::refuses_by_default(system.config, text);
  if (reaches_out(text)) return 0;
  // It opens tables and asks for this machine's addresses, so it serves many inputs; not all, as it remembers the
  // tables that lists name.
  constexpr unsigned kInputsForOne = 100;
  static std::optional<restrictions::Environment> serving;
  static unsigned inputs = 0;
  if (inputs++ % kInputsForOne == 0) {
    serving.emplace(system.uses());
  }
  restrictions::Environment& environment = *serving;
  restrictions::Parser parser(environment);
  const restrictions::List list = parser.parse("smtpd_client_restrictions", text, "check_client_access");
  environment.set_classes(parser.take_classes());
  for (const base::Error& mistake : parser.mistakes()) {
    if (mistake.text.contains('\n')) std::abort();
  }
  const restrictions_world::Visitor visitor;
  restrictions::Evaluation evaluation(environment, visitor.subject, nullptr);
  ask(evaluation, list);
  return 0;
}
