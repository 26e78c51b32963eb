// HELO host
// EHLO host
#include <fmt/format.h>

#include "logging/log.h"
#include "smtpd/auth.h"
#include "smtpd/client_attributes.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace {

void tell_discarded(const Session& session) {
  const std::string names = names_of(session.discarded);
  if (!names.empty() && !session.discarded.has(Keyword::silent_discard))
    logging::info("smtpd.discard", "discarding EHLO keywords: {names}", {{"names", names}});
}

std::vector<std::string> offers(Session& session) {
  const Settings& settings = session.settings();
  const Keywords& discarded = session.discarded;
  std::vector<std::string> lines;
  const auto offer = [&](Keyword keyword, std::string text) {
    if (!discarded.has(keyword)) lines.push_back(std::move(text));
  };
  offer(Keyword::pipelining, "PIPELINING");
  offer(Keyword::size,
        settings.message_size_limit > 0 ? fmt::format("SIZE {}", settings.message_size_limit) : std::string("SIZE"));
  if (!settings.disable_vrfy) offer(Keyword::vrfy, "VRFY");
  offer(Keyword::etrn, "ETRN");
  if (session.offers_tls() && !session.tls.active) offer(Keyword::starttls, "STARTTLS");
  if (!discarded.has(Keyword::auth))
    for (std::string& line : auth_keywords(session)) lines.push_back(std::move(line));
  if (settings.verp_clients.has(session.client)) offer(Keyword::verp, "XVERP");
  if (may_xclient(session))
    offer(Keyword::xclient, "XCLIENT NAME ADDR PROTO HELO REVERSE_NAME PORT LOGIN DESTADDR DESTPORT");
  if (may_xforward(session)) offer(Keyword::xforward, "XFORWARD NAME ADDR PROTO HELO SOURCE PORT IDENT");
  offer(Keyword::enhanced_status_codes, "ENHANCEDSTATUSCODES");
  offer(Keyword::eight_bit_mime, "8BITMIME");
  offer(Keyword::dsn, "DSN");
  if (settings.smtputf8) offer(Keyword::smtputf8, "SMTPUTF8");
  offer(Keyword::chunking, "CHUNKING");
  if (settings.requiretls && session.tls.active) offer(Keyword::requiretls, "REQUIRETLS");
  if (settings.announce_limits) lines.push_back(fmt::format("LIMITS RCPTMAX={}", settings.recipient_limit));
  return lines;
}

// Nothing: the client may call itself so.
std::optional<Next> greeted(Session& session, const CommandLine& line, restrictions::Stage stage) {
  // Restrictions and their lines in the log see it as it was said.
  std::string before = std::exchange(session.helo, std::string(line.rest));
  if (const restrictions::Rules* rules = session.shared.rules()) {
    if (const auto next = session.refused(rules->at_helo(session.subject(stage)), stage)) {
      session.helo = std::move(before);
      return next;
    }
  }
  session.helo = neutral(line.rest);
  for (char& c : session.helo) {
    const bool foreign = static_cast<unsigned char>(c) >= 0x80 && !session.settings().smtputf8;
    if (c == ' ' || c == '\t' || foreign) c = '?';
  }
  session.reset_transaction();
  if (stage == restrictions::Stage::ehlo) session.protocol = "ESMTP";  // which HELO does not take back
  return std::nullopt;
}

}  // namespace

Next helo(Session& session, const CommandLine& line) {
  if (line.words.empty()) return session.reply(501, "", "Syntax: HELO hostname");
  if (const auto refused = greeted(session, line, restrictions::Stage::helo)) return *refused;
  return session.reply(250, "", session.settings().myhostname);
}

Next ehlo(Session& session, const CommandLine& line) {
  if (line.words.empty()) return session.reply(501, "", "Syntax: EHLO hostname");
  if (const auto refused = greeted(session, line, restrictions::Stage::ehlo)) return *refused;
  session.decide_keywords();
  tell_discarded(session);
  return session.reply({.code = 250, .text = session.settings().myhostname, .lines = offers(session)});
}

}  // namespace smtpd
