#pragma once
// All parameters that the mail system knows, from conf/parameters/.

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/parameter.h"

namespace config {

// Every row, in the order of names; Key::index is a position in it.
std::span<const Parameter> all_parameters();

// The row of a key.
const Parameter& parameter(std::uint16_t index);

// Exact names only; for a member of a family ask find_family().
const Parameter* find_parameter(std::string_view name);

// The family that a name belongs to by its ending, whatever transport it begins with.
const Parameter* find_family(std::string_view member);

// Does used_by name the program, or "global"?
bool is_used_by(const Parameter& parameter, std::string_view program);

// The families that apply to a transport run by `program` (local, virtual, smtp, pipe, ...), e.g.
// _destination_rate_delay.
std::vector<const Parameter*> families_of(std::string_view program);

// The known name that is nearest in spelling; nothing when none is near.
std::optional<std::string_view> nearest_name(std::string_view name);
// The same among other words.
std::optional<std::string_view> nearest_of(std::string_view word, std::span<const std::string_view> known);

// The Postfix release whose behaviour this is: mail_version's default.
constexpr std::string_view kMailVersion = "3.11.0";
constexpr std::string_view kMailReleaseDate = "20260301";

}  // namespace config
