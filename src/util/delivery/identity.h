#pragma once
// Acting as somebody else for a while: the effective ids and groups of this thread are the recipient's until the
// object ends. The process's real user stays root, which is how it finds back. Work that is offloaded to another thread
// meanwhile is not done as the recipient; service::Privileges::keep goes without such threads.

#include <sys/types.h>

#include <expected>
#include <vector>

#include "base/error.h"

namespace delivery {

struct Ids {
  uid_t uid;
  gid_t gid;
  friend bool operator==(const Ids&, const Ids&) = default;
};

// Whether this process may become anybody: started as root.
bool is_privileged();

class Identity {
 public:
  // Without privileges only our own user can be had: an identity that changes nothing. The error is a clause for a
  // status text; nothing has changed then. Of all groups only `ids.gid` stays.
  static std::expected<Identity, base::Error> become(const Ids& ids);

  Identity(Identity&& other) noexcept;
  Identity& operator=(Identity&&) = delete;
  // Back to who we were. A process that cannot go back ends at once: it must not read mail or write logs as a user.
  ~Identity();

 private:
  Identity() = default;
  bool changed_ = false;
  Ids before_{};
  std::vector<gid_t> groups_before_;
};

}  // namespace delivery
