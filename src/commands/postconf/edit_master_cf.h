#pragma once
// postconf -e, -X and -# for master.cf: whole entries (-M), fields (-F) and -o options (-P).

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postconf/pattern.h"
#include "postconf/request.h"
#include "postconf/text_form.h"

namespace postconf {

struct ServiceEdit {
  std::string operand;  // as on the command line, for messages
  ServicePattern pattern;
  std::string value;                  // with -Fe and -Pe
  std::optional<ServiceEntry> entry;  // with -Me
};

// Throws base::Fatal for what cannot be done.
std::vector<ServiceEdit> parse_service_edits(const Request& request);

// The new content. Throws base::Fatal when an entry to be edited is malformed.
std::string edit_master_cf(std::string_view content, const std::vector<ServiceEdit>& edits, const Request& request,
                           const std::string& path, std::vector<std::string>& warnings);

}  // namespace postconf
