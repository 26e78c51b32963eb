#pragma once
// Tables whose results decide as whom a delivery agent acts: opened without the proxy service, whoever asks for it, and
// without $1 in patterns, so that no stranger's text gets into a result.

#include <string>
#include <string_view>

#include "config/config.h"
#include "table/list.h"

namespace delivery {

// "proxy:" in front of a table is left out.
std::string without_proxy(std::string_view tables);

table::TableList open_directly(const config::Config& config, std::string_view parameter, std::string_view tables);

}  // namespace delivery
