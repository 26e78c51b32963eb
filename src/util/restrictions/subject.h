#pragma once
// All that a decision of the SMTP server may depend on. Views into the session, valid for one call.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "restrictions/reply.h"
#include "routing/router.h"
#include "tls/facts.h"

namespace restrictions {

struct Client {
  std::string name = "unknown";          // verified both ways, or "unknown"
  std::string reverse_name = "unknown";  // what the address's own record says, verified or not
  std::string address;                   // "192.0.2.1", "2001:db8::1"; "unknown"
  std::string port = "unknown";
  std::string server_address, server_port;
  std::string connected_from;  // the address that XCLIENT has put another one in place of; empty: none has
  enum class Status { found, not_found, temporary, forged };  // forged: the names do not point back
  Status name_status = Status::not_found;
  Status reverse_status = Status::not_found;
  bool shows_port = false;  // smtpd_client_port_logging
  bool is_ipv6() const { return address.find(':') != std::string::npos; }
  std::string known_as;  // an XCLIENT has failed half-way: who it was before; empty: none has
  // For logs and replies: name[address], with :port if it is to be shown.
  std::string name_and_address() const {
    return known_as.empty() ? name + "[" + address + "]" + (shows_port ? ":" + port : "") : known_as;
  }
};

// Postfix's protocol_state.
// xclient: a connection, told of by XCLIENT.
enum class Stage { connect, xclient, helo, ehlo, mail, rcpt, data, end_of_message, vrfy, etrn };
std::string_view name_of(Stage stage);  // "CONNECT", "END-OF-MESSAGE"

struct Subject {
  const Client& client;
  const tls::Facts& tls;
  Stage stage;
  std::string_view protocol;  // "SMTP", "ESMTP"; empty before HELO
  std::optional<std::string_view> helo = {};
  std::optional<std::string_view> sender = {};     // internal form; empty: the null sender
  std::optional<std::string_view> recipient = {};  // of this RCPT; at DATA and after only if it is the only one
  int recipient_count = 0;                         // accepted so far (policy: 0 before DATA)
  long size = 0;
  std::string_view queue_id = {};
  std::string_view instance = {};
  std::string_view etrn_domain = {};
  std::string_view sasl_method = {}, sasl_username = {}, sasl_sender = {};
  bool smtputf8 = false;
  bool discarded = false;  // the message will be, whatever else is said of it: as in Postfix nothing more is asked
  bool stress = false;
  // What the router says of recipient (for this sender) and sender, rewritten in the local context, where the session
  // has asked it already.
  const routing::Route* recipient_route = nullptr;
  const routing::Route* sender_route = nullptr;
  // The latest Decision::if_permit of connection, HELO and MAIL; null: there was none.
  const Deferral* earlier = nullptr;
  // Whether the client has sent more than it may: reject_unauth_pipelining. Null: it has not.
  std::function<bool()> talks_ahead = {};
};

}  // namespace restrictions
