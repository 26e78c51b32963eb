#include "smtpd/command_filter.h"

#include <fmt/format.h>

#include "config/param.h"

namespace smtpd {

namespace param = config::param;

CommandFilter::CommandFilter(const Lists& lists)
    : tables_(lists.tables("smtpd_command_filter", param::smtpd_command_filter)),
      longest_(static_cast<std::size_t>(lists.config[param::line_length_limit])) {}

std::expected<std::optional<std::string>, table::Error> CommandFilter::replacement(std::string_view command) const {
  if (tables_.empty() || command.empty()) return std::nullopt;
  auto found = tables_.lookup_or_empty(command);
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found && (*found)->size() > longest_) {
    return std::unexpected(table::Error{fmt::format("{}: a result of {} bytes is longer than line_length_limit",
                                                    tables_.last_table(), (*found)->size()),
                                        true});
  }
  return std::move(*found);
}

}  // namespace smtpd
