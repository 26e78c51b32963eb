#pragma once
// AUTH, as EHLO announces it and as main.cf sets it up.

#include <cstddef>
#include <string>
#include <vector>

#include "sasl/server.h"
#include "smtpd/lists.h"

namespace smtpd {

struct Session;

// A member of Settings.
struct AuthSettings {
  explicit AuthSettings(const Lists& lists);
  bool enabled, tls_only, broken_clients;
  std::size_t response_limit;
  std::string service;
  ClientList exceptions;  // clients that are not told of AUTH
};

// Whether this client may use AUTH now: it is enabled, and there is TLS if that is asked for.
bool auth_enabled(const Session& session);

// The lines of the EHLO reply: "AUTH PLAIN LOGIN", and "AUTH=PLAIN LOGIN" for broken clients. Empty: not offered, to
// this client or now. The order is EHLO's; AUTH as a discarded keyword is the caller's.
std::vector<std::string> auth_keywords(Session& session);

}  // namespace smtpd
