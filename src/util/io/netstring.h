#pragma once
// Netstrings: "5:hello,".

#include <cstddef>
#include <expected>
#include <string>
#include <string_view>

#include "io/stream.h"

namespace io {

std::string netstring(std::string_view payload);

// The next one's payload. The error is what is wrong with it: "input format error", "input exceeds size limit".
std::expected<std::string, std::string> read_netstring(Stream& stream, std::size_t most);

}  // namespace io
