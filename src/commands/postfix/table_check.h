#pragma once
// Every table that main.cf and master.cf name must be there and open.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postfix/installation.h"

namespace postfix {

// Whether a parameter's value is a list of tables, and nothing else that has a colon in it: transports and milters do.
bool holds_tables(std::string_view parameter);

// The tables in a value; of a parameter that may hold other things, too, only those of types that live in files.
std::vector<std::string> tables_in(std::string_view parameter, std::string_view value);

// What makes an index file of its source: "postmap hash:/etc/postfix/virtual"; empty for other types.
std::string build_command(std::string_view parameter, std::string_view table);

void check_tables(const Installation& installation, Tally& tally);

}  // namespace postfix
