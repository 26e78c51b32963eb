#pragma once
// The keys that session tickets are sealed with, shared by all processes of a service and changed from time to time.

#include <array>
#include <cstdint>
#include <ctime>
#include <optional>
#include <span>

namespace tls {

struct TicketKey {
  std::array<std::uint8_t, 16> name{};
  std::array<std::uint8_t, 32> cipher{};
  std::array<std::uint8_t, 32> hmac{};
  std::time_t expires = 0;  // seals new tickets before then, opens old ones one lifetime longer
};

class TicketKeys {
 public:
  virtual ~TicketKeys() = default;
  virtual std::optional<TicketKey> current() = 0;  // to seal with; nothing: no ticket
  virtual std::optional<TicketKey> named(std::span<const std::uint8_t, 16> name) = 0;
};

}  // namespace tls
