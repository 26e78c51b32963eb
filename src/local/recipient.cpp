#include "local/recipient.h"

#include "base/text.h"
#include "mail/address.h"

namespace local {

Recipient parse_recipient(std::string_view address, const table::Delimiters& delimiters) {
  Recipient recipient;
  if (address.starts_with('\\')) {
    recipient.to_mailbox = true;
    address.remove_prefix(1);
  }
  recipient.address = address;
  const mail::Split parts = mail::split(address);
  recipient.domain = base::lower(parts.domain);
  recipient.local = base::lower(parts.local);
  recipient.user = recipient.local;
  if (const auto split = table::split_extension(recipient.local, delimiters)) {
    recipient.delimiter = split->extension.substr(0, 1);
    recipient.extension = split->extension.substr(1);
    recipient.user = split->base;
    // It becomes part of file names.
    if (recipient.extension.find('/') != std::string::npos) {
      recipient.bad_extension = true;
      recipient.extension.clear();
      recipient.delimiter.clear();
    }
  }
  return recipient;
}

}  // namespace local
