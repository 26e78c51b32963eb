#pragma once
// The keys of session tickets, service by service. Time is a parameter; nothing is ever on disk.

#include <array>
#include <chrono>
#include <cstdint>
#include <ctime>
#include <functional>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/time_units.h"
#include "tls/tickets.h"

namespace tlsmgr {

class Keys {
 public:
  using Random = std::function<void(std::span<std::uint8_t>)>;
  // A key seals new tickets for one lifetime, and opens old ones for another. 0: there are none.
  Keys(base::Seconds lifetime, Random random);
  ~Keys();
  Keys(const Keys&) = delete;
  Keys& operator=(const Keys&) = delete;

  base::Seconds lifetime() const { return lifetime_; }

  // Those of a service that still open tickets, the one that seals last; it is made when there is none. At most two.
  // Empty when there are no tickets, or too many services.
  const std::vector<tls::TicketKey>& of(const std::string& service, std::time_t now);

  // Wipes those that open nothing any more. Whether some are left.
  bool drop_old(std::time_t now);

 private:
  void drop_old(std::vector<tls::TicketKey>& keys, std::time_t now) const;
  tls::TicketKey make(std::time_t now) const;

  base::Seconds lifetime_;
  Random random_;
  std::map<std::string, std::vector<tls::TicketKey>, std::less<>> by_service_;
};

// Of the kernel. Throws base::Fatal when it has none.
void kernel_random(std::span<std::uint8_t> into);

}  // namespace tlsmgr
