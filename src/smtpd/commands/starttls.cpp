// STARTTLS
#include "logging/log.h"
#include "smtpd/limits.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"
#include "smtpd/wrapper.h"
#include "tls/server.h"

namespace smtpd {

namespace {

[[noreturn]] void lost() {
  throw io::StreamError(io::StreamError::Kind::closed, "the connection was closed");
}

// Why a client that must show a certificate cannot stay; null: it can.
const char* missing_certificate(const Session& session) {
  if (!session.settings().tls_certificate_required) return nullptr;
  if (!session.tls.has_certificate) return "No client certificate presented";
  return session.tls.trusted ? nullptr : "Client certificate not trusted";
}

// From here to the return nothing but the handshake is read. Throws StreamError when there is no session afterwards.
Next shake_hands(Session& session) {
  // What came with the command came in the clear.
  session.stream.flush();
  session.stream.consume(session.stream.buffered().size());
  const auto time = session.settings().tls_timeout;
  auto facts = session.shared.parts().tls->accept(session.stream, {session.client_label()}, io::Deadline::after(time));
  session.start_request();
  // The library has logged it; in its state the connection is of no use to either side.
  if (!facts) lost();
  session.tls = std::move(*facts);
  forget_what_came_in_the_clear(session);
  if (const char* reason = missing_certificate(session)) {
    logging::info("smtpd.tls_abort", "{id}: abort: TLS from {client}: {reason}",
                  {{"id", session.id()}, {"client", session.client_label()}, {"reason", reason}});
    session.reply(421, "4.7.1", fmt::format("{} Error: {}", session.settings().myhostname, reason));
    session.erred = false;  // of the client's certificate, not of the command
    return Next::close;
  }
  if (auto refusal = limits::of_tls_sessions(session)) {
    session.reply(std::move(*refusal));
    return Next::close;
  }
  return Next::go_on;
}

}  // namespace

Next starttls(Session& session, const CommandLine& line) {
  if (!line.words.empty()) return session.reply(501, "5.5.4", "Syntax: STARTTLS");
  if (session.tls.active) return session.reply(554, "5.5.1", "Error: TLS already active");
  tls::Server* server = session.shared.parts().tls;
  if (server == nullptr || session.discarded.has(Keyword::starttls)) {
    return session.reply(502, "5.5.1", "Error: command not implemented");
  }
  if (!server->available()) return session.reply(454, "4.7.0", "TLS not available due to local problem");
  if (auto refusal = limits::before_tls(session)) return session.reply(std::move(*refusal));
  session.reply(220, "2.0.0", "Ready to start TLS");
  return shake_hands(session);
}

Next begin_wrapped(Session& session) {
  if (!session.settings().tls_wrapper || session.tls.active || session.shared.parts().stand_alone) return Next::go_on;
  session.tls_wrapper = true;
  tls::Server* server = session.shared.parts().tls;
  if (server == nullptr || !server->available()) {
    logging::warning("smtpd.tls_unavailable",
                     "Wrapper-mode request dropped from {client} for service {service}. TLS context initialization "
                     "failed. For details see earlier warnings in your logs.",
                     {{"client", session.client.name_and_address()}, {"service", session.shared.parts().service_name}});
    return Next::close;
  }
  // A reply in the clear would be no TLS record: the client is told nothing.
  if (limits::before_tls(session)) return Next::close;
  return shake_hands(session);
}

void forget_what_came_in_the_clear(Session& session) {
  const std::string protocol = session.protocol;
  session.forget_hello();
  session.protocol = protocol;  // what was agreed on is no secret
  session.forwarded = {};
  session.recipient.reset();
  session.etrn_domain.clear();
  session.sasl_method.clear();
  session.sasl_username.clear();
  session.sasl_sender.clear();
  limits::account_known(session);
}

}  // namespace smtpd
