#pragma once
// How much of what a client may do: counted in the session, and with anvil over all sessions.

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "client/anvil_client.h"
#include "restrictions/subject.h"
#include "smtpd/lists.h"
#include "smtpd/reply.h"

namespace smtpd {

struct Session;

struct Counters {
  struct OfCommand {
    int total = 0;
    int ok = 0;  // answered with 2xx or 3xx
  };
  std::array<OfCommand, 20> commands{};  // by place in the table of commands
  int errors = 0;                        // since the last message that was accepted
  int junk = 0;
  int history = 0;
};

// What main.cf allows over all sessions of a client or an account. A member of Settings, made from its Config. 0 means:
// no limit.
class Limits {
 public:
  explicit Limits(const Lists& lists);  // throws config::BadValue

  // smtpd_client_event_limit_exceptions; clients that may use XCLIENT are exempt, too. A list that cannot be asked
  // exempts nobody; it is warned of.
  bool exempts(const restrictions::Client& client) const;
  // "smtp:192.0.2.7", or the network that stands for it ("smtp:192.0.2.0/24").
  std::string range_of(std::string_view service, std::string_view address) const;
  // The same whether the user writes it large or small, as many password databases take both.
  static std::string account_range(std::string_view service, std::string_view account);

  int connections, connection_rate, message_rate, recipient_rate, new_tls_rate, auth_rate;
  int account_message_rate, account_recipient_rate;
  bool any_of_clients() const;
  bool has_changed() const { return exceptions_.has_changed() || xclient_hosts_.has_changed(); }

 private:
  ClientList exceptions_, xclient_hosts_;
  int v4_bits_, v6_bits_;
};

// This client's place among anvil's connections, for as long as it lives.
class Presence {
 public:
  Presence() = default;
  Presence(client::AnvilClient& anvil, std::string range) : anvil_(&anvil), range_(std::move(range)) {}
  Presence(Presence&& other) noexcept : anvil_(std::exchange(other.anvil_, nullptr)), range_(std::move(other.range_)) {}
  Presence& operator=(Presence&& other) noexcept;
  ~Presence() { end(); }
  void end() noexcept;

 private:
  client::AnvilClient* anvil_ = nullptr;
  std::string range_;
};

// Whose counts anvil keeps for this client: its network, empty when it is exempt or nothing is limited; and, once it
// has said who it is, its account.
struct Ranges {
  std::string client;
  std::string account;
  Presence presence;
};

// Each counts an event with anvil and gives the reply that refuses it; the warning has been logged already. Nothing: go
// on. All are cheap when nothing is limited, and for clients that are exempt.
namespace limits {
// Before the greeting: decides whether the client is exempt, and counts its connection. After a refusal the session
// says it and ends.
std::optional<Reply> at_connect(Session& session);
void at_disconnect(Session& session) noexcept;         // at the latest, the session's end does it
std::optional<Reply> of_messages(Session& session);    // MAIL
std::optional<Reply> of_recipients(Session& session);  // RCPT
std::optional<Reply> of_auth(Session& session);
// Before a handshake, counting nothing: whether there may be another one. In wrapper mode the session ends without a
// word.
std::optional<Reply> before_tls(Session& session);
// After a handshake: 421, with which the session ends. Only sessions that were not resumed count.
std::optional<Reply> of_tls_sessions(Session& session);

// Whenever session.sasl_username changes (AUTH, XCLIENT LOGIN): whose account counts from now on.
void account_known(Session& session);
}  // namespace limits

}  // namespace smtpd
