#pragma once
// The server's side of TLS: certificates, levels, tickets, and the handshake that puts TLS between a stream and its
// descriptor.

#include <expected>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "io/stream.h"
#include "tls/facts.h"
#include "tls/tickets.h"

namespace tls {

enum class Level { none, may, encrypt };
// smtpd_tls_security_level, smtpd_use_tls, smtpd_enforce_tls. Throws config::BadValue.
Level server_level(const config::Config& config);

// One a process, made before privileges are given up (keys are root's). Certificates that change on disk are noticed:
// where they can be read again they are used from the next handshake on, otherwise stale() says that the process should
// be replaced.
class Server {
 public:
  // `tickets` outlives the server; null: no tickets. Never throws for a certificate that cannot be used: the server is
  // then not available(), with one warning, and STARTTLS answers 454.
  Server(const config::Config& config, TicketKeys* tickets);
  ~Server();

  bool available() const;
  const std::string& problem() const;  // why not
  std::string stale() const;           // a file that differs and could not be taken up

  struct Peer {                    // for logs
    std::string name_and_address;  // "name[addr]"
  };
  // Both sides have agreed to begin. Nothing may be buffered in the stream (what came before the handshake has been
  // thrown away). On success all further bytes of the stream go through TLS. The error has been logged in Postfix's
  // words; the connection cannot be used any more.
  std::expected<Facts, base::Error> accept(io::Stream& stream, const Peer& peer, io::Deadline deadline);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// All that is wrong with the smtpd_tls_* parameters and files, for start-up and `postfix check`.
std::vector<base::Error> check_server(const config::Config& config);

// What works, but is hardly meant: certificates out of their time, keys that every user of the machine can read.
std::vector<std::string> doubts_about_server(const config::Config& config);

}  // namespace tls
