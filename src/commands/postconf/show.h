#pragma once
// What postconf prints of main.cf and master.cf. Each function returns the text; warnings go where they are told.

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "postconf/names.h"
#include "postconf/request.h"
#include "postconf/text_form.h"

namespace postconf {

using Warn = std::function<void(std::string_view event, std::string_view text)>;

// The parameters that the request names, or all of the classes that it selects.
std::string show_parameters(const Request& request, const config::Config& config, const Names& names, const Warn& warn);

// -M, -F and -P. Throws base::Fatal for operands that are no patterns.
std::string show_services(const Request& request, const config::Config& config, std::vector<ServiceEntry> services,
                          const Warn& warn);

// -b and -t.
std::string show_templates(const Request& request, const config::Config& config, const Warn& warn);

}  // namespace postconf
