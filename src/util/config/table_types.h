#pragma once
// The names of the lookup table types, apart from the code that opens them: postconf prints the names, and must not
// load the libraries behind them for it.

#include <array>
#include <string_view>

namespace config {

// Sorted; what postconf -m prints. A type is listed once it can be opened.
constexpr std::array<std::string_view, 20> kTableTypes = {
    "btree", "cdb",     "cidr",    "debug",  "environ",   "fail",   "hash", "inline",   "internal", "lmdb",
    "pcre",  "pipemap", "randmap", "regexp", "socketmap", "static", "tcp",  "texthash", "unionmap", "unix",
};

}  // namespace config
