#pragma once
// Becoming less than root, once and for good, in the same order in every daemon.

#include <sys/types.h>

#include <string>

#include "config/config.h"

namespace service {

// mail_owner, looked up while /etc/passwd can be read. Throws base::Fatal when there is no such account, or when it is
// root's.
struct Account {
  std::string name;
  uid_t uid;
  gid_t gid;
};
Account mail_owner(const config::Config& config);

// The process must be root's for the first four; the ids are read back. Each throws base::Fatal.
void enter_chroot(const std::string& queue_directory);
void become(const Account& owner);              // for ever
void become_effectively(const Account& owner);  // root is kept in reserve
void forbid_new_privileges();                   // for programs that never run others
void raise_limits();                            // as many descriptors as allowed; no core files

}  // namespace service
