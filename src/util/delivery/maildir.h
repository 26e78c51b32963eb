#pragma once
// Delivery into a maildir. Whatever happens, and at whatever moment: the message is in new/ (or where its reader has
// put it) once, or not at all, and when this function says it is there, a power cut does not take it away.
//
//   look       not for a fresh message: new/<name>, cur/<name> and cur/<name>:2,... of an earlier attempt
//   create     tmp/<name>, 0600; a leftover of that name is removed first; missing directories are made, 0700
//   write      all of it, fsync, close
//   rename     to new/<name>
//   fsync      new/

#include <string>

#include "delivery/mailbox.h"

namespace delivery {

struct MaildirTarget {
  std::string directory;  // with its slash at the end
  std::string name;       // maildir_name()
  bool fresh = false;     // no earlier attempt can have been made
  std::int64_t size_limit = 0;
};

// As the recipient: the caller has taken on his identity.
MailboxResult deliver_to_maildir(disk::Disk& disk, const MaildirTarget& target, const TextWriter& write);

}  // namespace delivery
