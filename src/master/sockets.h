#pragma once
// All that master listens on, and how it changes from one configuration to the next without a moment in which a place
// that stays is not served.

#include <sys/stat.h>

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/fd.h"
#include "master/endpoints.h"
#include "master/plan.h"

namespace master {

// Which places a change takes away, leaves and adds; pure.
struct SocketChange {
  std::vector<Endpoint> removed;
  std::vector<Endpoint> added;
};
SocketChange difference(const std::vector<Endpoint>& present, const std::vector<Endpoint>& wanted);

// Whether `added` may only be free once `removed` is: 0.0.0.0:25 and 127.0.0.1:25, a socket and a FIFO of one name.
bool is_in_the_way(const Endpoint& removed, const Endpoint& added);

class Sockets {
 public:
  // The first half of a change: opens what is new and can be opened now. An error means that nothing has changed.
  std::expected<void, base::Error> prepare(const std::vector<Endpoint>& wanted, const std::optional<Owner>& owner);
  // The second half: gives up what is not wanted any more, then opens what was in its way. The errors are of those that
  // still cannot be opened; open_missing() tries again.
  std::vector<base::Error> commit();
  void abandon();  // the first half, undone
  std::vector<base::Error> open_missing();

  // -1 while it is missing.
  int descriptor_of(const Endpoint& endpoint) const;
  bool has_missing() const { return !missing_.empty(); }

 private:
  struct Socket {
    Endpoint endpoint;
    base::Fd fd;
    dev_t device = 0;  // of the path, to see whether someone has removed it
    ino_t inode = 0;
  };
  static std::string key_of(const Endpoint& endpoint);
  static bool is_at_its_path(const Socket& socket);
  std::vector<base::Error> open_all(std::vector<Endpoint> wanted);
  static Socket opened(const Endpoint& endpoint, base::Fd fd);

  std::map<std::string, Socket> sockets_;
  std::map<std::string, Socket> prepared_;
  std::vector<Endpoint> removed_;
  std::vector<Endpoint> postponed_;
  std::vector<Endpoint> missing_;
  std::optional<Owner> owner_;
  std::optional<Owner> next_owner_;
};

}  // namespace master
