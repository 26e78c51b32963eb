#pragma once
// postmap -F: the value in the source is a list of files; what the table holds is their content in base64, in one line.

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace table {

// The files of the list, one after the other with a newline between them, in base64. The names are separated by commas
// or blanks.
std::expected<std::string, base::Error> encode_files(std::string_view list);

// Nothing when it is not base64.
std::optional<std::string> decode_files(std::string_view value);

}  // namespace table
