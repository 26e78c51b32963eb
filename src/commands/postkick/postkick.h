#pragma once
// postkick(1): sends request letters to a service, over its socket or FIFO.

#include <chrono>
#include <expected>
#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace postkick {

int run(std::span<char*> arguments);

// Writes the letters and a NUL byte, and waits until the service has taken them: it closes the connection, or reads on.
// The error is the reason why nobody can be reached.
std::expected<void, base::Error> kick(const std::string& path, std::string_view request, std::chrono::seconds longest);

}  // namespace postkick
