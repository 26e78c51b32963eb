#pragma once
// Root does not read or write in other people's folders as root.

#include <sys/stat.h>
#include <sys/types.h>

#include <optional>
#include <vector>

namespace postmap {

class RunAs {
 public:
  struct Identity {
    uid_t uid;
    gid_t gid;
  };
  // When this process runs as root and the file belongs to somebody else.
  static std::optional<Identity> owner_of(const struct stat& file);
  static std::optional<Identity> nobody_else() { return std::nullopt; }

  // Takes the identity, and gives it back at the end. Throws base::Fatal.
  explicit RunAs(std::optional<Identity> identity);
  RunAs(const RunAs&) = delete;
  RunAs& operator=(const RunAs&) = delete;
  ~RunAs();

 private:
  bool changed_ = false;
  gid_t group_before_ = 0;
  std::vector<gid_t> groups_before_;
};

}  // namespace postmap
