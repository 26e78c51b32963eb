// check_policy_service.

#include <fmt/format.h>

#include <limits>

#include "base/text.h"
#include "base/time_units.h"
#include "config/param.h"
#include "config/registry.h"
#include "mail/text.h"
#include "restrictions/policy_client.h"
#include "restrictions/restriction.h"
#include "table/arguments.h"

namespace restrictions {

namespace {

namespace param = config::param;

// name=value lines, in the order in which Postfix sends them; an empty line ends them.
class Request {
 public:
  void add(std::string_view name, std::string_view value) {
    text_.append(name).append("=");
    for (const char c : value) text_ += static_cast<unsigned char>(c) < ' ' || c == '\x7f' ? '?' : c;
    text_ += '\n';
  }
  void add(std::string_view name, long value) { add(name, std::string_view(std::to_string(value))); }
  std::string take() {
    text_ += '\n';
    return std::move(text_);
  }

 private:
  std::string text_;
};

bool after_recipients(Stage stage) {
  return stage == Stage::data || stage == Stage::end_of_message;
}

std::string request_of(const Subject& subject, std::string_view context, std::string_view compatibility_level) {
  const Client& client = subject.client;
  const tls::Facts& tls = subject.tls;
  const bool certificate = tls.active && tls.has_certificate;
  Request request;
  request.add("request", "smtpd_access_policy");
  request.add("protocol_state", name_of(subject.stage));
  request.add("protocol_name", subject.protocol.empty() ? "SMTP" : subject.protocol);
  request.add("client_address", client.address);
  request.add("client_name", client.name);
  request.add("client_port", client.port);
  request.add("reverse_client_name", client.reverse_name);
  request.add("server_address", client.server_address);
  request.add("server_port", client.server_port);
  request.add("helo_name", subject.helo.value_or(""));
  request.add("sender", subject.sender.value_or(""));
  request.add("recipient", subject.recipient.value_or(""));
  request.add("recipient_count", after_recipients(subject.stage) ? subject.recipient_count : 0);
  request.add("queue_id", subject.queue_id);
  request.add("instance", subject.instance);
  request.add("size", subject.size);
  request.add("etrn_domain", subject.etrn_domain);
  request.add("stress", subject.stress ? "yes" : "");
  request.add("sasl_method", subject.sasl_method);
  request.add("sasl_username", subject.sasl_username);
  request.add("sasl_sender", subject.sasl_sender);
  request.add("ccert_subject", certificate && tls.trusted ? mail::to_xtext(tls.subject_cn) : "");
  request.add("ccert_issuer", certificate && tls.trusted ? mail::to_xtext(tls.issuer_cn) : "");
  request.add("ccert_fingerprint", certificate ? tls.certificate_fingerprint : "");
  request.add("ccert_pubkey_fingerprint", certificate ? tls.public_key_fingerprint : "");
  request.add("encryption_protocol", tls.active ? tls.protocol : "");
  request.add("encryption_cipher", tls.active ? tls.cipher : "");
  request.add("encryption_keysize", tls.active ? tls.used_bits : 0);
  request.add("policy_context", context);
  request.add("compatibility_level", compatibility_level);
  request.add("mail_version", config::kMailVersion);
  return request.take();
}

class CheckPolicyService : public Restriction {
 public:
  CheckPolicyService(std::string service, std::string default_action, std::string context, std::string level,
                     PolicyClient::Settings settings)
      : service_(std::move(service)),
        default_action_(std::move(default_action)),
        context_(std::move(context)),
        compatibility_level_(std::move(level)),
        client_(std::move(settings)) {}

  Outcome ask(Evaluation& evaluation) const override {
    if (!evaluation.environment.asks_policy_services) {
      if (evaluation.observer != nullptr) evaluation.observer->decided("policy service", "not asked", service_);
      return dunno();
    }
    const auto action = client_.ask(request_of(evaluation.subject, context_, compatibility_level_));
    if (evaluation.observer != nullptr) {
      evaluation.observer->looked_up("check_policy_service " + service_, name_of(evaluation.subject.stage),
                                     action ? &*action : nullptr);
    }
    return act(evaluation, service_, "", action.value_or(default_action_), evaluation.target);
  }

 private:
  std::string service_;  // "inet:127.0.0.1:9998"
  std::string default_action_;
  std::string context_;
  std::string compatibility_level_;
  PolicyClient client_;
};

base::Seconds seconds(std::string_view name, std::string_view text, long least) {
  const auto time = base::to_seconds(text, 's');
  if (!time || time->count() < least) throw Mistake(fmt::format("bad time \"{}\" for {}", text, name));
  return *time;
}

int number(std::string_view name, std::string_view text, long least) {
  const auto value = base::to_long(text);
  if (!value || *value < least || *value > std::numeric_limits<int>::max()) {
    throw Mistake(fmt::format("bad number \"{}\" for {}", text, name));
  }
  return static_cast<int>(*value);
}

io::Endpoint endpoint_of(const Environment& environment, std::string_view service) {
  if (!service.starts_with("inet:") && !service.starts_with("unix:")) {
    throw Mistake(fmt::format("\"{}\" must be inet:host:port or unix:path", service));
  }
  auto endpoint = io::parse_endpoint(service);
  if (!endpoint) throw Mistake(endpoint.error().text);
  if (endpoint->type == io::Endpoint::Type::unix_stream && !endpoint->path.starts_with('/')) {
    endpoint->path = environment.config[param::queue_directory] + "/" + endpoint->path;
  }
  return *endpoint;
}

// inet:host:port, unix:path, or { inet:host:port, timeout = 10s, ... }.
std::unique_ptr<Restriction> make_check_policy_service(const Environment& environment, std::string_view argument) {
  const config::Config& config = environment.config;
  PolicyClient::Settings settings;
  settings.timeout = config[param::smtpd_policy_service_timeout];
  settings.max_idle = config[param::smtpd_policy_service_max_idle];
  settings.max_ttl = config[param::smtpd_policy_service_max_ttl];
  settings.retry_delay = config[param::smtpd_policy_service_retry_delay];
  settings.try_limit = config[param::smtpd_policy_service_try_limit];
  settings.request_limit = config[param::smtpd_policy_service_request_limit];
  // As many as Postfix would have server processes, each with one connection.
  settings.most_connections = static_cast<std::size_t>(std::max(1, config[param::default_process_limit]));
  std::string default_action = config[param::smtpd_policy_service_default_action];
  std::string context = config[param::smtpd_policy_service_policy_context];

  std::string_view service = argument;
  if (argument.starts_with('{')) {
    const auto content = table::group_content(argument);
    if (!content) throw Mistake(content.error());
    const auto parts = base::split_grouped(*content);
    if (parts.empty()) throw Mistake("no service is named");
    service = parts[0];
    for (std::size_t i = 1; i < parts.size(); ++i) {
      std::string_view setting = parts[i];
      if (const auto inside = table::inside_braces(setting)) setting = base::trim(*inside);
      const auto named = table::name_and_value(setting);
      if (!named) throw Mistake(named.error());
      const auto [name, value] = *named;
      if (name == "timeout") {
        settings.timeout = seconds(name, value, 1);
      } else if (name == "max_idle") {
        settings.max_idle = seconds(name, value, 1);
      } else if (name == "max_ttl") {
        settings.max_ttl = seconds(name, value, 1);
      } else if (name == "retry_delay") {
        settings.retry_delay = seconds(name, value, 1);
      } else if (name == "try_limit") {
        settings.try_limit = number(name, value, 1);
      } else if (name == "request_limit") {
        settings.request_limit = number(name, value, 0);
      } else if (name == "default_action") {
        default_action = value;
      } else if (name == "policy_context") {
        context = value;
      } else {
        throw Mistake(
            fmt::format("unknown setting \"{}\"; known are timeout, max_idle, max_ttl, retry_delay, "
                        "try_limit, request_limit, default_action, policy_context",
                        name));
      }
    }
  }
  settings.endpoint = endpoint_of(environment, service);
  settings.name = service.substr(service.find(':') + 1);
  return std::make_unique<CheckPolicyService>(std::string(service), std::move(default_action), std::move(context),
                                              config[param::compatibility_level], std::move(settings));
}

}  // namespace

std::span<const Name> policy_names() {
  static constexpr Name kNames[] = {
      {"check_policy_service", Argument::service, make_check_policy_service},
  };
  return kNames;
}

}  // namespace restrictions
