#pragma once
// Who may submit mail, and with which envelope senders: authorized_submit_users and local_login_sender_maps.

#include <sys/types.h>

#include <expected>
#include <string>
#include <string_view>

#include "config/config.h"
#include "table/list.h"

namespace postdrop {

struct Login {
  std::string name;  // "unknown" without an account
  std::string key;   // for tables: the name, or "uid:12345"
  uid_t uid;
};
Login login_of(uid_t uid);  // throws base::Fatal when it cannot be looked up

// Throws base::Fatal when a table cannot tell.
bool may_submit(const config::Config& config, const Login& login);

class SenderPolicy {
 public:
  explicit SenderPolicy(const config::Config& config);

  // Extensions in the sender do not matter. A login that no table has may send as nobody.
  std::expected<bool, table::Error> allows(const Login& login, std::string_view sender) const;

 private:
  std::string delimiters_;
  bool owner_request_special_;
  std::string double_bounce_;
  std::string null_sender_;
  table::TableList maps_;
};

}  // namespace postdrop
