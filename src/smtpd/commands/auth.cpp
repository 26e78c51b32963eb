// AUTH mechanism [initial-response]
// initial-response, and each response to a 334: base64. An empty initial response is "=", an empty later one an empty
// line; "*" gives up. RFC 4954.
#include "smtpd/auth.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "sasl/base64.h"
#include "smtpd/log.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"
#include "tls/server.h"

namespace smtpd {

namespace param = config::param;

AuthSettings::AuthSettings(const Lists& lists)
    : enabled(lists.config[param::smtpd_sasl_auth_enable]),
      tls_only(lists.config[param::smtpd_tls_auth_only] || tls::server_level(lists.config) == tls::Level::encrypt),
      broken_clients(lists.config[param::broken_sasl_auth_clients]),
      response_limit(static_cast<std::size_t>(lists.config[param::smtpd_sasl_response_limit])),
      service(lists.config[param::smtpd_sasl_service]),
      exceptions(lists.clients("smtpd_sasl_exceptions_networks", param::smtpd_sasl_exceptions_networks)) {}

bool auth_enabled(const Session& session) {
  const AuthSettings& settings = session.settings().auth;
  if (session.discarded.has(Keyword::auth)) return false;
  return settings.enabled && session.shared.parts().sasl != nullptr && (session.tls.active || !settings.tls_only);
}

namespace {

// More exchanges than any mechanism has.
constexpr int kMostSteps = 32;
constexpr std::size_t kLongestName = 1024;
constexpr std::string_view kNoReason = "(reason unavailable)";

sasl::Peer peer_of(const Session& session) {
  return {.client_address = session.client.address,
          .client_port = session.client.port,
          .server_address = session.client.server_address,
          .server_port = session.client.server_port,
          .client_name = session.client.name,
          .helo = session.helo,
          .tls = session.tls.active};
}

io::Deadline back_end_deadline(const Session& session) {
  return io::Deadline::after(session.settings().timeout);
}

// A name that other programs can be told: in headers, records, policy requests.
bool is_fit(std::string_view name) {
  return !name.empty() && name.size() <= kLongestName && base::printable(name) == name;
}

class Authentication {
 public:
  Authentication(Session& session, std::string_view mechanism) : session_(session), mechanism_(mechanism) {
    std::string upper(mechanism);
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - ('a' - 'A')) : c; });
    attempt_ = session.shared.parts().sasl->begin(peer_of(session), upper, session.settings().auth.service);
  }

  Next run(std::optional<std::string_view> initial) {
    std::optional<std::string> decoded;
    if (initial) {
      decoded = *initial == "=" ? std::string() : sasl::decode_base64(*initial);
      if (!decoded)
        return failed({sasl::Attempt::Step::Kind::failed, attempt_->reason_for_bad_base64(*initial, true), {}});
    }
    auto step = attempt_->start(std::move(decoded), back_end_deadline(session_));
    for (int count = 0; step.kind == sasl::Attempt::Step::Kind::challenge; ++count) {
      if (count == kMostSteps) return failed({sasl::Attempt::Step::Kind::failed, "too many steps", {}});
      (void)session_.reply(334, "", sasl::encode_base64(step.text));
      const auto response = next_response();
      session_.transcript.heard_secret();
      if (!response) {
        const Next next = session_.reply(500, "5.5.6", "SASL response limit exceeded");
        return endless_ ? Next::close : next;
      }
      if (*response == "*") return aborted();
      const auto answer = sasl::decode_base64(*response);
      if (!answer) {
        return failed({sasl::Attempt::Step::Kind::failed, attempt_->reason_for_bad_base64(*response, false), {}});
      }
      step = attempt_->go_on(*answer, back_end_deadline(session_));
    }
    if (step.kind != sasl::Attempt::Step::Kind::done) return failed(step);
    return succeeded(step.username);
  }

 private:
  // Nothing: it was too long, and has been passed over.
  std::optional<std::string> next_response() {
    const std::size_t limit = session_.settings().auth.response_limit;
    try {
      return std::string(session_.read_line(limit - 1).text);
    } catch (const io::StreamError& error) {
      if (error.kind() != io::StreamError::Kind::too_long) throw;
      logging::warning("smtpd.long_request", "{client}: request longer than {limit}: {start}...",
                       {{"client", session_.client_label()}, {"limit", limit}, {"start", kNotShown}});
      endless_ = !session_.skip_line();
      return std::nullopt;
    }
  }

  Next aborted() {
    logging::warning("smtpd.auth_aborted", "{client}: SASL {mechanism} authentication aborted",
                     {{"client", session_.client_label()}, {"mechanism", mechanism_.substr(0, 100)}});
    return session_.reply(501, "5.7.0", "Authentication aborted");
  }

  Next failed(const sasl::Attempt::Step& step) {
    const std::string reason(step.text.empty() ? kNoReason : std::string_view(step.text).substr(0, 400));
    const std::string name = attempt_->username_so_far();
    logging::warning("smtpd.auth_failed",
                     "{client}: SASL {mechanism} authentication failed: {reason}, sasl_username={username}",
                     {{"client", session_.client_label()},
                      {"mechanism", mechanism_.substr(0, 100)},
                      {"reason", reason},
                      {"username", name.empty() ? "(unavailable)" : std::string_view(name).substr(0, 100)}});
    if (step.kind == sasl::Attempt::Step::Kind::unavailable) {
      return session_.reply(454, "4.7.0", "Temporary authentication failure: " + base::printable(reason));
    }
    return session_.reply(535, "5.7.8", "Error: authentication failed: " + base::printable(reason));
  }

  Next succeeded(const std::string& name) {
    if (!is_fit(name)) {
      return failed({sasl::Attempt::Step::Kind::failed, "the login name cannot be used in mail", {}});
    }
    session_.sasl_method = mechanism_;
    session_.sasl_username = name;
    limits::account_known(session_);
    return session_.reply(235, "2.7.0", "Authentication successful");
  }

  Session& session_;
  std::string_view mechanism_;  // as the client wrote it
  std::unique_ptr<sasl::Attempt> attempt_;
  bool endless_ = false;  // the last response
};

}  // namespace

std::vector<std::string> auth_keywords(Session& session) {
  if (!auth_enabled(session)) return {};
  const AuthSettings& settings = session.settings().auth;
  if (settings.exceptions.has(session.client)) return {};
  const auto mechanisms = session.shared.parts().sasl->mechanisms(peer_of(session), back_end_deadline(session));
  if (!mechanisms) {
    logging::warning("smtpd.no_mechanisms", "no SASL authentication mechanisms: {reason}",
                     {{"reason", mechanisms.error().text}});
    return {};
  }
  if (mechanisms->empty()) return {};
  const std::string names = fmt::format("{}", fmt::join(*mechanisms, " "));
  std::vector<std::string> lines = {"AUTH " + names};
  if (settings.broken_clients) lines.push_back("AUTH=" + names);
  return lines;
}

Next auth(Session& session, const CommandLine& line) {
  if (auto refusal = limits::of_auth(session)) return session.reply(std::move(*refusal));
  if (session.settings().helo_required && session.helo.empty()) {
    return session.reply(503, "5.5.1", "Error: send HELO/EHLO first");
  }
  if (!auth_enabled(session)) return session.reply(503, "5.5.1", "Error: authentication not enabled");
  if (session.transaction.active()) return session.reply(503, "5.5.1", "Error: MAIL transaction in progress");
  if (session.authenticated()) return session.reply(503, "5.5.1", "Error: already authenticated");
  if (line.words.empty() || line.words.size() > 2) return session.reply(501, "5.5.4", "Syntax: AUTH mechanism");
  std::optional<std::string_view> initial;
  if (line.words.size() == 2) initial = line.words[1];
  return Authentication(session, line.words[0]).run(initial);
}

}  // namespace smtpd
