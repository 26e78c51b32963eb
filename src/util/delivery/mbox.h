#pragma once
// Delivery into a file with many messages. Appending is all or nothing as far as locks, a working disk and a process
// that lives on can make it: on any error the file gets back its old length.
//
//   lock       <file>.lock (dotlock), then open, then fcntl and flock; tried for a time, with pauses that grow
//   check      a regular file with one name, of the recipient, and still the one that the path names
//   append     and fsync; for a new file its directory, too
//   unlock     close, then the dotlock goes

#include <optional>
#include <string>

#include "delivery/mailbox.h"

namespace delivery {

struct MboxTarget {
  std::string path;
  Ids owner;  // who writes the text, and whom the file must belong to
  // Who locks, opens and creates. Differs from the owner where only others may make files: root, or the group of the
  // spool directory.
  Ids opener;
  // A file that opener creates and that shall be the owner's.
  bool give_to_owner = false;
};

// Takes on the identities itself. The time limit is that of the lock attempts. `offset`: where the message begins.
std::expected<std::int64_t, MailboxError> deliver_to_mbox(disk::Disk& disk, const MailboxSettings& settings,
                                                          const MboxTarget& target, const TextWriter& write);

}  // namespace delivery
