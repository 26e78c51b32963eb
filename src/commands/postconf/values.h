#pragma once
// Values after expansion, for main.cf and inside a service of master.cf.

#include <string>
#include <string_view>

#include "config/config.h"
#include "postconf/names.h"
#include "postconf/text_form.h"

namespace postconf {

// Throws base::Fatal that names file, line and parameter when the `$` expressions in the value of a built-in parameter
// are malformed or go in circles. A user-defined one is looked at when something refers to it.
void check_expressions(const config::Config& config, const Names& names);

// Replaces the values of the entry's -o options by what the daemon sees: with the entry's own settings over those of
// main.cf, its service_name and its process_name. Throws base::Fatal.
void expand_overrides(ServiceEntry& entry, const config::Config& config);

}  // namespace postconf
