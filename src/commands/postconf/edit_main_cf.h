#pragma once
// postconf -e, -X and -# for main.cf.

#include <string>
#include <string_view>
#include <vector>

#include "config/main_cf.h"
#include "postconf/request.h"

namespace postconf {

// What the operands ask for; throws base::Fatal for what cannot be in main.cf. Of several requests for a name the last
// one stays, and the others are told in `warnings`.
std::vector<config::NameValue> parse_main_edits(const Request& request, std::vector<std::string>& warnings);

// The new content: each setting of a named parameter replaced, removed or commented out with its continuation lines;
// comments and the order stay; new settings come last. `path` stands in warnings.
std::string edit_main_cf(std::string_view content, const std::vector<config::NameValue>& edits, Action action,
                         const std::string& path, std::vector<std::string>& warnings);

}  // namespace postconf
