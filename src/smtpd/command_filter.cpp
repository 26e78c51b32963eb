#include "smtpd/command_filter.h"

#include <fmt/format.h>

#include "config/param.h"
#include "table/open.h"

namespace smtpd {

namespace param = config::param;

CommandFilter::CommandFilter(const config::Config& config)
    : tables_("smtpd_command_filter", config[param::smtpd_command_filter], table::Settings::from(config), {}),
      longest_(static_cast<std::size_t>(config[param::line_length_limit])) {}

std::expected<std::optional<std::string>, table::Error> CommandFilter::replacement(std::string_view command) const {
  if (tables_.empty() || command.empty()) return std::nullopt;
  auto found = tables_.lookup(command);
  if (!found) return std::unexpected(std::move(found.error()));
  if (*found && (*found)->size() > longest_) {
    return std::unexpected(table::Error{fmt::format("{}: a result of {} bytes is longer than line_length_limit",
                                                    tables_.last_table(), (*found)->size()),
                                        true});
  }
  return std::move(*found);
}

}  // namespace smtpd
