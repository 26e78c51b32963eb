#pragma once
// What one handshake knows while the library calls back: whose it is, what to log, which key seals its ticket.

#include <functional>
#include <optional>
#include <string>

#include "tls/openssl.h"
#include "tls/tickets.h"

namespace tls {

class ServerNames;

struct Handshake {
  std::string peer;  // "name[addr]"
  int log_level = 0;
  bool trusts_server_certificates = false;
  int verify_depth = 0;
  ServerNames* names = nullptr;  // null: the client's wish is not looked at
  TicketKeys* tickets = nullptr;
  std::optional<TicketKey> sealing;  // null: no ticket is issued
  const EVP_CIPHER* ticket_cipher = nullptr;
  bool pauses_before_signing = false;  // for who then goes on elsewhere

  // What it finds out.
  std::string matched_name;
  bool paused = false;
  std::string distrust;         // why the client's certificate is not trusted
  int first_error = X509_V_OK;  // of its verification
};

// Sets the callbacks. They do nothing for a session that has no Handshake (any more).
void set_callbacks(SSL_CTX* context, int log_level, bool tickets, bool names, bool asks_for_certificate,
                   bool may_pause);
void attach(SSL* session, Handshake* handshake);  // null: it is over

}  // namespace tls
