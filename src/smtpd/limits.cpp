#include "smtpd/limits.h"

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"
#include "table/ip_network.h"

namespace smtpd {

namespace {

namespace param = config::param;

constexpr std::size_t kLongestAccount = 255;

}  // namespace

Limits::Limits(const Lists& lists)
    : connections(lists.config[param::smtpd_client_connection_count_limit]),
      connection_rate(lists.config[param::smtpd_client_connection_rate_limit]),
      message_rate(lists.config[param::smtpd_client_message_rate_limit]),
      recipient_rate(lists.config[param::smtpd_client_recipient_rate_limit]),
      new_tls_rate(lists.config[param::smtpd_client_new_tls_session_rate_limit]),
      auth_rate(lists.config[param::smtpd_client_auth_rate_limit]),
      account_message_rate(lists.config[param::smtpd_sasl_account_message_rate_limit]),
      account_recipient_rate(lists.config[param::smtpd_sasl_account_recipient_rate_limit]),
      exceptions_(lists.clients("smtpd_client_event_limit_exceptions", param::smtpd_client_event_limit_exceptions)),
      xclient_hosts_(lists.clients("smtpd_authorized_xclient_hosts", param::smtpd_authorized_xclient_hosts)),
      v4_bits_(lists.config[param::smtpd_client_ipv4_prefix_length]),
      v6_bits_(lists.config[param::smtpd_client_ipv6_prefix_length]) {}

bool Limits::any_of_clients() const {
  return connections > 0 || connection_rate > 0 || message_rate > 0 || recipient_rate > 0 || new_tls_rate > 0 ||
         auth_rate > 0;
}

bool Limits::exempts(const restrictions::Client& client) const {
  return exceptions_.has(client) || xclient_hosts_.has(client);
}

std::string Limits::range_of(std::string_view service, std::string_view address) const {
  const auto parsed = table::parse_address(address);
  const int bits = parsed && parsed->is_v6 ? v6_bits_ : v4_bits_;
  if (!parsed || bits >= parsed->bits()) return fmt::format("{}:{}", service, address);
  return fmt::format("{}:{}/{}", service, table::address_text(table::masked(*parsed, bits)), bits);
}

std::string Limits::account_range(std::string_view service, std::string_view account) {
  return fmt::format("{}:sasl:{}", service, base::lower(account.substr(0, kLongestAccount)));
}

Presence& Presence::operator=(Presence&& other) noexcept {
  if (this != &other) {
    end();
    anvil_ = std::exchange(other.anvil_, nullptr);
    range_ = std::move(other.range_);
  }
  return *this;
}

void Presence::end() noexcept {
  if (client::AnvilClient* anvil = std::exchange(anvil_, nullptr)) anvil->disconnect(range_);
}

namespace limits {

namespace {

using client::AnvilCounts;
using client::AnvilEvent;

// Whether anvil, asked now, has counted more than the limit; 0 for no. `limit` 0 asks nobody.
int excess(Session& session, const std::string& range, int limit, AnvilEvent event, int AnvilCounts::* count) {
  client::AnvilClient* anvil = session.shared.parts().anvil;
  if (anvil == nullptr || limit <= 0 || range.empty()) return 0;
  const auto counts = anvil->count(range, event);
  return counts && (*counts).*count > limit ? (*counts).*count : 0;
}

void warn(const Session& session, std::string_view event, std::string_view what, int count) {
  logging::warning(event, "{what} limit exceeded: {count} from {client} for service {service}",
                   {{"what", what},
                    {"count", count},
                    {"client", session.client.name_and_address()},
                    {"service", session.shared.parts().service_name}});
}

void warn_of_account(const Session& session, std::string_view event, std::string_view what, int count) {
  logging::warning(event, "{what} limit exceeded: {count} from {client} for service {service}, sasl_username={account}",
                   {{"what", what},
                    {"count", count},
                    {"client", session.client.name_and_address()},
                    {"service", session.shared.parts().service_name},
                    {"account", session.sasl_username}});
}

// Names of accounts come from the client: what a reply repeats of them is kept short and printable.
std::string account_of(const Session& session) {
  return base::printable(std::string_view(session.sasl_username).substr(0, 100));
}

}  // namespace

std::optional<Reply> at_connect(Session& session) {
  const Limits& limits = session.settings().limits;
  client::AnvilClient* anvil = session.shared.parts().anvil;
  session.ranges = {};
  if (anvil == nullptr || session.shared.parts().stand_alone || !limits.any_of_clients()) return std::nullopt;
  if (limits.exempts(session.client)) return std::nullopt;
  session.ranges.client = limits.range_of(session.shared.parts().service_name, session.client.address);

  if (limits.connections <= 0 && limits.connection_rate <= 0) return std::nullopt;
  const auto counts = anvil->count(session.ranges.client, AnvilEvent::connect);
  session.ranges.presence = Presence(*anvil, session.ranges.client);
  if (!counts) return std::nullopt;
  const Reply refusal{.code = 421,
                      .status = "4.7.0",
                      .text = fmt::format("{} Error: too many connections from {}", session.settings().myhostname,
                                          session.client.address),
                      .fault = Fault::policy};
  if (limits.connections > 0 && counts->connections > limits.connections) {
    warn(session, "smtpd.connection_count_exceeded", "Connection concurrency", counts->connections);
    return refusal;
  }
  if (limits.connection_rate > 0 && counts->connection_rate > limits.connection_rate) {
    warn(session, "smtpd.connection_rate_exceeded", "Connection rate", counts->connection_rate);
    return refusal;
  }
  return std::nullopt;
}

void at_disconnect(Session& session) noexcept {
  session.ranges.presence.end();
}

std::optional<Reply> of_messages(Session& session) {
  const Limits& limits = session.settings().limits;
  const auto refusal = [](std::string_view who) {
    return Reply{.code = 450,
                 .status = "4.7.1",
                 .text = fmt::format("Error: too much mail from {}", who),
                 .fault = Fault::policy};
  };
  if (const int count =
          excess(session, session.ranges.client, limits.message_rate, AnvilEvent::message, &AnvilCounts::messages)) {
    warn(session, "smtpd.message_rate_exceeded", "Message delivery request rate", count);
    return refusal(session.client.address);
  }
  if (const int count = excess(session, session.ranges.account, limits.account_message_rate, AnvilEvent::message,
                               &AnvilCounts::messages)) {
    warn_of_account(session, "smtpd.account_message_rate_exceeded", "Message delivery request rate", count);
    return refusal(account_of(session));
  }
  return std::nullopt;
}

std::optional<Reply> of_recipients(Session& session) {
  const Limits& limits = session.settings().limits;
  const auto refusal = [](std::string_view who) {
    return Reply{.code = 450,
                 .status = "4.7.1",
                 .text = fmt::format("Error: too many recipients from {}", who),
                 .fault = Fault::policy};
  };
  if (const int count = excess(session, session.ranges.client, limits.recipient_rate, AnvilEvent::recipient,
                               &AnvilCounts::recipients)) {
    warn(session, "smtpd.recipient_rate_exceeded", "Recipient address rate", count);
    return refusal(session.client.address);
  }
  if (const int count = excess(session, session.ranges.account, limits.account_recipient_rate, AnvilEvent::recipient,
                               &AnvilCounts::recipients)) {
    warn_of_account(session, "smtpd.account_recipient_rate_exceeded", "Recipient address rate", count);
    return refusal(account_of(session));
  }
  return std::nullopt;
}

std::optional<Reply> of_auth(Session& session) {
  const int count = excess(session, session.ranges.client, session.settings().limits.auth_rate, AnvilEvent::auth,
                           &AnvilCounts::auths);
  if (count == 0) return std::nullopt;
  warn(session, "smtpd.auth_rate_exceeded", "AUTH command rate", count);
  return Reply{.code = 450,
               .status = "4.7.1",
               .text = fmt::format("Error: too many AUTH commands from {}", session.client.address),
               .fault = Fault::policy};
}

std::optional<Reply> before_tls(Session& session) {
  const int limit = session.settings().limits.new_tls_rate;
  if (excess(session, session.ranges.client, limit, AnvilEvent::look, &AnvilCounts::new_tls) == 0) return std::nullopt;
  logging::warning("smtpd.tls_refused", "Refusing {what} request from {client} for service {service}",
                   {{"what", session.tls_wrapper ? "TLS service" : "STARTTLS"},
                    {"client", session.client.name_and_address()},
                    {"service", session.shared.parts().service_name}});
  return Reply{.code = 454,
               .status = "4.7.0",
               .text = fmt::format("Error: too many new TLS sessions from {}", session.client.name_and_address()),
               .fault = Fault::policy};
}

std::optional<Reply> of_tls_sessions(Session& session) {
  if (session.tls.reused) return std::nullopt;
  const int limit = session.settings().limits.new_tls_rate;
  const int count = excess(session, session.ranges.client, limit, AnvilEvent::new_tls, &AnvilCounts::new_tls);
  if (count == 0) return std::nullopt;
  warn(session, "smtpd.new_tls_rate_exceeded", "New TLS session rate", count);
  return Reply{.code = 421,
               .status = "4.7.0",
               .text = fmt::format("{} Error: too many new TLS sessions from {}", session.settings().myhostname,
                                   session.client.name_and_address()),
               .fault = Fault::policy};
}

void account_known(Session& session) {
  session.ranges.account = session.sasl_username.empty()
                               ? std::string()
                               : Limits::account_range(session.shared.parts().service_name, session.sasl_username);
}

}  // namespace limits

}  // namespace smtpd
