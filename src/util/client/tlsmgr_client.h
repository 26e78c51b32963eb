#pragma once
// The keys of session tickets, which tlsmgr makes and keeps for all processes of a service.

#include <string>
#include <vector>

#include "io/wait.h"
#include "ipc/channel.h"
#include "tls/tickets.h"

namespace client {

struct TlsmgrRequest {
  static constexpr ipc::Kind kind = ipc::Kind::tlsmgr_request;
  std::string service;  // a ticket of one service opens at no other
  static void fields(auto& self, auto&& visit) { visit(self.service); }
};

struct TlsmgrResult {
  static constexpr ipc::Kind kind = ipc::Kind::tlsmgr_result;
  struct Key {
    std::string name, cipher, hmac;  // 16, 32 and 32 bytes
    std::int64_t expires = 0;        // seals new tickets before then
    static void fields(auto& self, auto&& visit) { visit(self.name, self.cipher, self.hmac, self.expires); }
  };
  std::int64_t lifetime = 0;  // seconds that a key opens tickets after its time; 0: there are no tickets
  std::vector<Key> keys;      // all that still open tickets
  static void fields(auto& self, auto&& visit) { visit(self.lifetime, self.keys); }
};

// Keys are kept in this process as long as they are good, so a handshake asks nobody. Without an answer there are no
// tickets, warned of once a while: sessions are then made anew each time.
class TlsmgrClient : public tls::TicketKeys {
 public:
  TlsmgrClient(std::string socket_path, std::string service, io::Clock::duration timeout);
  ~TlsmgrClient() override;
  TlsmgrClient(const TlsmgrClient&) = delete;
  TlsmgrClient& operator=(const TlsmgrClient&) = delete;

  std::optional<tls::TicketKey> current() override;
  std::optional<tls::TicketKey> named(std::span<const std::uint8_t, 16> name) override;

 private:
  void ask();
  void keep(const TlsmgrResult& result);
  void forget();

  std::string path_, service_;
  io::Clock::duration timeout_;
  std::vector<tls::TicketKey> keys_;
  std::time_t lifetime_ = 0;
  bool asking_ = false;  // another fiber does: this one goes on with what there is
  io::Clock::time_point next_ask_{};
  io::Clock::time_point next_warning_{};
};

}  // namespace client
