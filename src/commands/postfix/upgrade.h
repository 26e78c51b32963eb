#pragma once
// What an older installation lacks: services of master.cf that this version needs.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "postfix/installation.h"

namespace postfix {

// The stock lines whose service is missing in the file, as they are to be appended.
std::expected<std::vector<std::string>, base::Error> missing_services(std::string_view master_cf,
                                                                      const std::string& name_for_messages);

// Adds them; a line that is there is never changed. False when it could not: there is an error about it.
bool upgrade_configuration(const Installation& installation);

}  // namespace postfix
