// main.cf from anywhere: read, checked, and each value expanded.
#include <cstdint>
#include <cstdlib>

#include "config/config.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  // The interfaces' own names would ask the network.
  auto config = config::Config::from_text(
      text,
      {.directory = "/d", .process_name = "fuzz", .overrides = {{"mynetworks", "127.0.0.1"}, {"myhostname", "a.b"}}});
  if (!config) {
    if (config.error().text.empty()) std::abort();
    return 0;
  }
  static_cast<void>(config->check());
  for (const auto& [name, setting] : config->settings()) {
    if (name.empty() || name.find_first_of(" \t=") != std::string::npos) std::abort();
    try {
      static_cast<void>(config->value(name));
    } catch (const config::BadValue&) {
    }
  }
  static_cast<void>(config::split_override(text));
  static_cast<void>(config::split_name_value(text));
  return 0;
}
