#include "delivery/status_filter.h"

#include "base/text.h"
#include "logging/log.h"
#include "mail/text.h"

namespace delivery {

StatusFilter::StatusFilter(std::string_view parameter, std::string_view value, const table::Settings& settings)
    : tables_(parameter, value, settings, table::Options{.utf8 = true}) {}

Status StatusFilter::apply(Status status) const {
  if (tables_.empty()) return status;
  const std::string key = status.code + " " + status.reason;
  const auto answer = tables_.lookup(key);
  if (!answer) {
    logging::warning("delivery.status_filter_error", "{parameter}: {error}",
                     {{"parameter", tables_.parameter()}, {"error", answer.error().text}});
    return status;
  }
  if (!*answer) return status;
  const std::string_view result = base::trim(**answer);
  const std::string_view code = result.substr(0, result.find_first_of(base::kBlanks));
  const std::string_view text = base::trim(result.substr(code.size()));
  if (!mail::is_status_code(code) || text.empty() || (code[0] == '2') != status.code.starts_with('2')) {
    logging::warning("delivery.status_filter_result", "{parameter}: bad result \"{result}\" for \"{key}\" is not used",
                     {{"parameter", tables_.parameter()}, {"result", result}, {"key", key}});
    return status;
  }
  status.code = code;
  status.reason = text;
  return status;
}

}  // namespace delivery
