// A whole session, whatever the client sends. What it is told are replies; mail that is taken must be whole, and its
// records lines.
#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "lib/smtpd_world.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static smtpd_world::World worlds[] = {
      smtpd_world::World("smtpd_hard_error_limit = 50\n"),
      smtpd_world::World("smtpd_forbid_bare_newline = reject\nstrict_rfc821_envelopes = yes\n"),
      smtpd_world::World("smtpd_authorized_xclient_hosts = 192.0.2.0/24\nsmtpd_authorized_xforward_hosts = "
                         "192.0.2.0/24\nmessage_size_limit = 300\n")};
  if (size == 0 || size > 100'000) return 0;
  const logging::Capture quiet;
  smtpd_world::World& world = worlds[data[0] % 3];
  world.sink.begun.clear();
  world.sink.append_fails = data[0] % 16 == 15;
  if (!smtpd_world::are_replies(world.say({reinterpret_cast<const char*>(data) + 1, size - 1}))) std::abort();
  for (const auto& taken : world.sink.finished()) {
    bool in_content = false;
    for (const auto& [type, text] : taken->records) {
      if (type == queue::RecordType::message) in_content = true;
      if (type == queue::RecordType::extracted) in_content = false;
      if (text.contains('\n')) std::abort();
      if (!in_content && (text.contains('\r') || text.contains('\0'))) std::abort();
    }
    if (taken->of(queue::RecordType::recipient).empty() || taken->of(queue::RecordType::sender).size() != 1)
      std::abort();
  }
  return 0;
}
