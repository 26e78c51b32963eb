#pragma once
// Tells the comsat service of this host about new mail, for users who ran `biff y`. Nobody waits for it, and nothing is
// lost when it does not come.

#include <cstdint>
#include <string_view>

#include "base/fd.h"

namespace local {

class Biff {
 public:
  Biff();
  // "user@offset": where in the user's mailbox the message begins.
  void tell(std::string_view user, std::int64_t offset) const;

 private:
  base::Fd socket_;  // none: no such service is known
};

}  // namespace local
