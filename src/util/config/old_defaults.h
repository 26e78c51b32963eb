#pragma once
// Defaults of an older generation (compatibility_level), and the lines that tell the administrator that one of them
// made a difference: they are how he finds out what to write into main.cf before he raises the level.

#include <string>
#include <string_view>

#include "config/config.h"

namespace config {

// The level that turns the last of them off.
constexpr std::string_view kNewestLevel = "3.11";

// Whether compatibility_level is below `level`. Text that is no level is below none: it stops programs elsewhere.
bool is_below_level(const Config& config, std::string_view level);

// Whether the parameter, whose default changed with `level`, has the old one: nobody has set it (main.cf, -o), and the
// level is below.
bool has_old_default(const Config& config, std::string_view parameter, std::string_view level);

// The parameters of which the tests are made in more than one place.
bool has_old_relay_domains(const Config& config);
// For ETRN and the fast flush service: relay_domains by way of fast_flush_domains.
bool has_old_flush_domains(const Config& config);

// mynetworks as the newer default has it, when the old one is in force; else empty.
std::string newer_networks(const Config& config);

// "using backwards-compatible default setting WHAT", to the log.
void log_old_default(std::string_view what);

}  // namespace config
