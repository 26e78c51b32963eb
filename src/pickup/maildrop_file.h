#pragma once
// A file in maildrop, as it is found: made by anyone on this machine, until it is proved otherwise.

#include <sys/stat.h>

#include <ctime>
#include <expected>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/fd.h"
#include "queue/id.h"

namespace pickup {

struct MaildropFile {
  base::Fd fd;
  queue::Id name;
  std::string path;
  uid_t uid = 0;          // of the user who submitted it
  std::time_t time = 0;   // when
  bool requeued = false;  // our own, put here by postsuper -r: it has been through cleanup before
};

// Nothing: it is still being written, or gone. The error: it is no file that we take; it stays where it is.
// `mail_owner` is who we are.
std::expected<std::optional<MaildropFile>, base::Error> open_maildrop_file(const std::string& path,
                                                                           const queue::Id& name, uid_t mail_owner);

}  // namespace pickup
