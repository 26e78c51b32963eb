#pragma once
// `postfix logrotate`: the log file gets a name with the time in it, and is compressed.

#include <ctime>
#include <string>

#include "postfix/installation.h"

namespace postfix {

// "/var/log/maillog.20261121-170031"
std::string rotated_name(const std::string& file, const std::string& suffix_format, const std::tm& now);

int logrotate(const Installation& installation);

}  // namespace postfix
