#include "virtual/mailboxes.h"

#include <fmt/format.h>

#include <limits>

#include "base/text.h"
#include "config/param.h"
#include "delivery/direct_tables.h"
#include "logging/log.h"
#include "table/search.h"

namespace virtual_agent {

namespace {

namespace param = config::param;

delivery::Status configuration_error() {
  return {.code = "4.3.5", .reason = "mail system configuration error"};
}

// An address of the size of a message must not become a path.
constexpr std::size_t kLongestPath = 4096;

}  // namespace

std::string problem_of_path(std::string_view result) {
  if (result.empty()) return "is empty";
  if (result.size() > kLongestPath) return "is too long";
  for (const char c : result) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') return "has control characters";
  }
  std::string_view rest = result;
  while (!rest.empty()) {
    const auto slash = rest.find('/');
    if (rest.substr(0, slash) == "..") return "leads out of virtual_mailbox_base";
    rest.remove_prefix(slash == std::string_view::npos ? rest.size() : slash + 1);
  }
  if (result.find_first_not_of("/.") == std::string_view::npos) return "names no mailbox";
  return {};
}

Mailboxes::Mailboxes(const config::Config& config)
    : base_(config[param::virtual_mailbox_base]),
      delimiters_(config[param::recipient_delimiter]),
      owner_request_special_(config[param::owner_request_special]),
      double_bounce_sender_(config[param::double_bounce_sender]),
      minimum_uid_(config[param::virtual_minimum_uid]),
      mailboxes_(delivery::open_directly(config, "virtual_mailbox_maps", config[param::virtual_mailbox_maps])),
      uids_(delivery::open_directly(config, "virtual_uid_maps", config[param::virtual_uid_maps])),
      gids_(delivery::open_directly(config, "virtual_gid_maps", config[param::virtual_gid_maps])) {
  if (!base_.starts_with('/')) {
    throw config::BadValue(
        fmt::format("parameter virtual_mailbox_base: must be an absolute path for the virtual delivery agent, not "
                    "\"{}\"",
                    base_));
  }
}

std::expected<std::optional<std::string>, delivery::Status> Mailboxes::look_up(const table::TableList& tables,
                                                                               std::string_view address) const {
  const table::Delimiters delimiters(delimiters_, owner_request_special_, double_bounce_sender_);
  const auto hit = table::search(tables, table::mailbox_keys(address, delimiters));
  if (!hit) {
    logging::warning("virtual.table_error", "recipient {recipient}: {error}",
                     {{"recipient", address}, {"error", hit.error().text}});
    return std::unexpected(delivery::Status{.code = "4.3.5", .reason = "mail system configuration error"});
  }
  if (!*hit) return std::nullopt;
  return (*hit)->value;
}

std::expected<unsigned, delivery::Status> Mailboxes::number(const table::TableList& tables, std::string_view what,
                                                            std::string_view address, long minimum) const {
  const auto found = look_up(tables, address);
  if (!found) return std::unexpected(found.error());
  if (!*found) {
    logging::warning("virtual.id_missing", "recipient {recipient}: not found in {table}",
                     {{"recipient", address}, {"table", tables.parameter()}});
    return std::unexpected(configuration_error());
  }
  // (uid_t) -1 means "leave it" to the kernel.
  const auto value = base::to_unsigned(**found);
  if (!value || *value < static_cast<unsigned long>(minimum) || *value >= std::numeric_limits<unsigned>::max()) {
    logging::warning("virtual.bad_id", "recipient {recipient}: bad {what} {value} in {table}",
                     {{"recipient", address}, {"what", what}, {"value", **found}, {"table", tables.parameter()}});
    return std::unexpected(configuration_error());
  }
  return static_cast<unsigned>(*value);
}

std::expected<std::optional<Mailbox>, delivery::Status> Mailboxes::find(std::string_view recipient) const {
  const std::string address = base::lower(recipient);
  const auto found = look_up(mailboxes_, address);
  if (!found) return std::unexpected(found.error());
  if (!*found) return std::nullopt;
  if (const std::string problem = problem_of_path(**found); !problem.empty()) {
    logging::warning("virtual.bad_path",
                     "recipient {recipient}: the result \"{path}\" of virtual_mailbox_maps {problem}",
                     {{"recipient", address}, {"path", **found}, {"problem", problem}});
    return std::unexpected(configuration_error());
  }
  const auto uid = number(uids_, "uid", address, minimum_uid_);
  if (!uid) return std::unexpected(uid.error());
  const auto gid = number(gids_, "gid", address, 1);
  if (!gid) return std::unexpected(gid.error());
  return Mailbox{.path = fmt::format("{}/{}", base_, **found), .owner = {*uid, *gid}};
}

std::string Mailboxes::changed() const {
  for (const table::TableList* list : {&mailboxes_, &uids_, &gids_}) {
    if (list->has_changed()) return list->parameter();
  }
  return {};
}

}  // namespace virtual_agent
