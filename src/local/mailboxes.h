#pragma once
// A user's own mailbox: home_mailbox, or his part of mail_spool_directory; a maildir of either before a file of either.

#include <sys/stat.h>

#include <optional>
#include <string>

#include "config/config.h"
#include "delivery/agent.h"
#include "delivery/mailbox.h"
#include "delivery/mbox.h"
#include "local/biff.h"
#include "local/users.h"

namespace local {

class Mailboxes {
 public:
  explicit Mailboxes(const config::Config& config);  // throws config::BadValue

  // `delivered_to`: what Delivered-To: says, whatever name the user has here.
  delivery::Outcome deliver(disk::Disk& disk, const delivery::Job& job, const delivery::RequestRecipient& recipient,
                            const std::string& delivered_to, const User& user) const;

 private:
  bool is_at_home() const;
  std::string path_of(const User& user) const;
  delivery::MboxTarget target_of(const std::string& path, const User& user) const;

  delivery::MailboxSettings settings_;
  std::string home_mailbox_;
  std::string spool_directory_;
  bool original_recipient_;
  bool delivered_to_;
  std::optional<Biff> biff_;
};

// Who may lock and create files in a spool directory with this status: its users, their group, or only root. Pure.
struct SpoolAccess {
  delivery::Ids opener;
  bool give_to_owner;
};
SpoolAccess access_to_spool(const struct stat& directory, const delivery::Ids& owner);

}  // namespace local
