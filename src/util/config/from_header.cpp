#include "config/from_header.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"

namespace config {

bool names_are_comments(const Config& config) {
  const std::string& form = config[param::header_from_format];
  if (form == "standard") return false;
  if (form == "obsolete") return true;
  throw base::Fatal("parameter header_from_format: unknown value \"" + base::printable(form) +
                    "\"; use standard or obsolete");
}

std::string sender_of_notices(std::string_view address, bool name_is_comment) {
  constexpr std::string_view kName = "Mail Delivery System";
  return name_is_comment ? fmt::format("{} ({})", address, kName) : fmt::format("{} <{}>", kName, address);
}

}  // namespace config
