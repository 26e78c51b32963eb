#pragma once
// The form of From headers that our programs make.

#include <string>
#include <string_view>

#include "config/config.h"

namespace config {

// Whether names stand in comments, as in address (name): header_from_format. Throws base::Fatal for a word that it does
// not know.
bool names_are_comments(const Config& config);

// Of what is nobody's mail: Mail Delivery System <address>, or address (Mail Delivery System).
std::string sender_of_notices(std::string_view address, bool name_is_comment);

}  // namespace config
