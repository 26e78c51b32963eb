#pragma once
// What may come between a name and its mailbox: aliases, .forward files, commands, luser_relay. This release does not
// expand them. Mail that they claim waits in the queue, with a status that says why: it must neither land in a mailbox
// that its owner has redirected nor bounce. Expansion takes the place of this one class.

#include <optional>
#include <string>
#include <vector>

#include "config/config.h"
#include "delivery/request.h"
#include "local/recipient.h"
#include "local/users.h"
#include "table/list.h"

namespace local {

class Expansion {
 public:
  explicit Expansion(const config::Config& config);

  // What is configured and not served; for the log, at the start.
  std::vector<std::string> not_served() const;

  // Each gives the status with which the recipient waits, or nothing when nothing is in the way.
  std::optional<delivery::Status> aliases(const Recipient& recipient) const;
  std::optional<delivery::Status> forward_file(const Recipient& recipient, const User& user) const;
  std::optional<delivery::Status> mailbox_command(const Recipient& recipient) const;
  std::optional<delivery::Status> unknown_user_relay() const;

  std::string changed() const;

 private:
  std::optional<std::string> forward_path(std::string_view text, const Recipient& recipient, const User& user) const;

  const config::Config& config_;
  std::string delimiters_;
  bool owner_request_special_;
  std::string double_bounce_sender_;
  table::TableList alias_maps_;
  table::TableList command_maps_;
};

}  // namespace local
