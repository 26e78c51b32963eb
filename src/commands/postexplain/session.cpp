#include "postexplain/session.h"

#include <algorithm>

#include "base/text.h"
#include "config/param.h"
#include "mail/address.h"
#include "mail/header_tokens.h"
#include "restrictions/client_name.h"
#include "restrictions/refusal_text.h"

namespace postexplain {

namespace {

namespace param = config::param;
using restrictions::Decision;
using restrictions::Rules;
using restrictions::Stage;

constexpr auto kNameTime = std::chrono::seconds(30);

// The address between the brackets, or all of it.
std::string_view bare(std::string_view written) {
  const bool has_brackets = written.size() >= 2 && written.starts_with('<') && written.ends_with('>');
  return has_brackets ? written.substr(1, written.size() - 2) : written;
}

// As the server reads it: without a source route, quotes, comments, and blanks between words.
std::string address_in(std::string_view written) {
  written = bare(written);
  const std::size_t colon = written.find(':');
  if (written.starts_with('@') && colon != std::string_view::npos) written.remove_prefix(colon + 1);
  constexpr std::size_t kMostTokens = 1000;
  const auto list = mail::address_list(written, kMostTokens);
  if (list && list->addresses.size() == 1) return mail::internal_text(list->addresses.front());
  return mail::unquote(written);
}

// The enhanced code begins as the code does.
void agree(restrictions::Reply& refusal) {
  if (!refusal.status.empty()) refusal.status[0] = static_cast<char>('0' + refusal.code / 100);
}

class WouldBe {
 public:
  WouldBe(const Setup& setup, const Routes& routes, const Request& request)
      : config_(setup.config()),
        routes_(routes),
        request_(request),
        resolver_(dns::Resolver::Options::from(config_)),
        rules_({.config = config_,
                .router = routes.router(),
                .resolver = resolver_,
                .service_name = request.service,
                .sleeps = false,
                .asks_policy_services = request.policy}),
        refusal_text_(config_, table::Settings::from(config_)) {}

  SessionReport run();

 private:
  void identify();
  bool connect();
  bool hello();
  void log_in();
  bool mail();
  void recipient(const std::string& written);
  void content();
  void find_routes();

  using Question = Decision (Rules::*)(const restrictions::Subject&, restrictions::Observer*) const;
  Moment& ask(std::string command, Stage stage, Question question, std::string_view success);
  Moment& say(std::string command, std::string_view reply);
  void settle(Moment& moment);
  std::string with_footer(const restrictions::Reply& refusal) const;
  restrictions::Subject subject(Stage stage) const;

  const config::Config& config_;
  const Routes& routes_;
  const Request& request_;
  dns::Resolver resolver_;
  Rules rules_;
  restrictions::RefusalText refusal_text_;

  SessionReport report_;
  tls::Facts tls_;
  std::string protocol_, sasl_user_;
  std::optional<std::string> helo_, sender_, recipient_;
  std::optional<restrictions::Deferral> earlier_;
  std::vector<std::string> accepted_;
  bool is_over_ = false;
};

restrictions::Subject WouldBe::subject(Stage stage) const {
  restrictions::Subject subject{.client = report_.client, .tls = tls_, .stage = stage, .protocol = protocol_};
  if (helo_) subject.helo = *helo_;
  if (sender_) subject.sender = *sender_;
  if (recipient_) subject.recipient = *recipient_;
  if (!recipient_ && accepted_.size() == 1) subject.recipient = accepted_.front();
  subject.recipient_count = static_cast<int>(accepted_.size());
  subject.size = request_.size;
  subject.discarded = report_.effects.discard;
  subject.instance = "postexplain";
  if (!sasl_user_.empty()) {
    subject.sasl_method = "PLAIN";
    subject.sasl_username = sasl_user_;
  }
  if (earlier_) subject.earlier = &*earlier_;
  return subject;
}

// A refusal on its way to the client: soft_bounce, smtpd_reject_filter_maps, footers, in this order.
void WouldBe::settle(Moment& moment) {
  auto refusal = restrictions::parse_refusal(moment.reply);
  if (!refusal) return;
  if (refusal->code >= 500 && config_[param::soft_bounce]) refusal->code -= 100;
  agree(*refusal);
  if (auto other = refusal_text_.filtered(refusal->line())) {
    refusal = std::move(other);
    agree(*refusal);
  }
  moment.kind = refusal->code >= 500 ? Moment::Kind::refused : Moment::Kind::deferred;
  moment.disconnect |= refusal->code == 421 || refusal->code == 521;
  is_over_ |= moment.disconnect;
  moment.reply = with_footer(*refusal);
}

std::string WouldBe::with_footer(const restrictions::Reply& refusal) const {
  const std::string& server_name = config_[param::myhostname];
  std::optional<std::string> first_recipient;
  if (!accepted_.empty()) first_recipient = accepted_.front();
  const auto footer = refusal_text_.footer(refusal.line(), [&](std::string_view name) {
    return restrictions::footer_value({.client = report_.client,
                                       .helo = helo_ ? std::string_view(*helo_) : std::string_view(),
                                       .sender = sender_,
                                       .recipient = first_recipient,
                                       .server_name = server_name},
                                      name);
  });
  std::vector<std::string> lines = {refusal.line().substr(4) + footer.continuation};
  const std::string status = refusal.status.empty() ? "" : refusal.status + " ";
  for (const std::string& each : footer.lines) lines.push_back(status + each);
  constexpr std::size_t kLongestLine = 510;  // without its end
  std::string reply;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const bool is_last = i + 1 == lines.size();
    const std::string said = fmt::format("{}{}{}", refusal.code, is_last ? ' ' : '-', lines[i]);
    reply += said.substr(0, kLongestLine);
    if (!is_last) reply += '\n';
  }
  return reply;
}

Moment& WouldBe::say(std::string command, std::string_view reply) {
  Moment& moment = report_.moments.emplace_back();
  moment.command = std::move(command);
  moment.reply = reply;
  settle(moment);
  return moment;
}

Moment& WouldBe::ask(std::string command, Stage stage, Question question, std::string_view success) {
  Moment& moment = report_.moments.emplace_back();
  moment.command = std::move(command);
  Trace trace(moment.steps);
  Decision decision = (rules_.*question)(subject(stage), &trace);
  moment.notes = std::move(decision.notes);
  moment.effects = decision.effects;
  report_.effects.add(std::move(decision.effects));
  // What one recipient's restrictions could not tell is not the next one's concern.
  if (stage != Stage::rcpt && decision.if_permit) earlier_ = std::move(decision.if_permit);
  switch (decision.kind) {
    case Decision::Kind::accept:
      moment.reply = success;
      break;
    case Decision::Kind::refuse:
      moment.reply = decision.reply.line();
      moment.disconnect = decision.disconnect;
      settle(moment);
      break;
    case Decision::Kind::hang_up:
      moment.reply = "(the connection is closed without a word)";
      moment.disconnect = true;
      moment.kind = Moment::Kind::deferred;
      break;
  }
  is_over_ |= moment.disconnect;
  return moment;
}

void WouldBe::identify() {
  restrictions::Client& client = report_.client;
  using Status = restrictions::Client::Status;
  client.address = request_.client.address;
  report_.name_was_given = request_.client.name.has_value();
  if (request_.client.name) {
    client.name = client.reverse_name = *request_.client.name;
    client.name_status = client.reverse_status = client.name == "unknown" ? Status::not_found : Status::found;
  } else if (request_.dns && config_[param::smtpd_peername_lookup]) {
    restrictions::look_up_client_name(client, resolver_, io::Deadline::after(kNameTime));
  }
  const std::string& level = config_[param::smtpd_tls_security_level];
  if (!request_.tls) return;
  if (!config_[param::smtpd_tls_wrappermode] && (level.empty() || level == "none")) {
    say("STARTTLS", "502 5.5.1 Error: command not implemented");
    return;
  }
  tls_.active = true;
  tls_.protocol = "TLSv1.3";
  tls_.cipher = "TLS_AES_256_GCM_SHA384";
  tls_.used_bits = tls_.algorithm_bits = 256;
}

bool WouldBe::connect() {
  const Moment& moment = ask("(connect)", Stage::connect, &Rules::at_connect, "220 " + config_[param::smtpd_banner]);
  return moment.kind == Moment::Kind::accepted;
}

bool WouldBe::hello() {
  if (!request_.helo) return true;
  helo_ = base::printable(*request_.helo);
  protocol_ = request_.esmtp ? "ESMTP" : "SMTP";
  const Moment& moment =
      ask(fmt::format("{} {}", request_.esmtp ? "EHLO" : "HELO", *helo_), request_.esmtp ? Stage::ehlo : Stage::helo,
          &Rules::at_helo, "250 " + config_[param::myhostname]);
  if (moment.kind == Moment::Kind::accepted) return true;
  helo_.reset();
  return !is_over_;
}

void WouldBe::log_in() {
  if (request_.sasl_user.empty()) return;
  if (!config_[param::smtpd_sasl_auth_enable] || (config_[param::smtpd_tls_auth_only] && !tls_.active)) {
    say("AUTH PLAIN", "503 5.5.1 Error: authentication not enabled");
    return;
  }
  sasl_user_ = request_.sasl_user;
  say("AUTH PLAIN", "235 2.7.0 Authentication successful");
}

bool WouldBe::mail() {
  const std::string command =
      fmt::format("MAIL FROM:<{}>", request_.sender.empty() ? "" : mail::quote(request_.sender));
  const std::string& level = config_[param::smtpd_tls_security_level];
  if (level == "encrypt" && !tls_.active) {
    say(command, "530 5.7.0 Must issue a STARTTLS command first");
    return false;
  }
  if (config_[param::smtpd_helo_required] && !helo_) {
    say(command, "503 5.5.1 Error: send HELO/EHLO first");
    return false;
  }
  const long limit = config_[param::message_size_limit];
  if (limit > 0 && request_.size > limit) {
    say(command, "552 5.3.4 Message size exceeds fixed limit");
    return false;
  }
  if (!request_.sender.empty()) {
    const auto route = routes_.router().resolve("", request_.sender);
    if (route && route->bad_address) {
      say(command, "501 5.1.7 Bad sender address syntax");
      return false;
    }
  }
  sender_ = request_.sender;
  return ask(command, Stage::mail, &Rules::at_mail, "250 2.1.0 Ok").kind == Moment::Kind::accepted;
}

void WouldBe::recipient(const std::string& written) {
  const std::string address = address_in(written);
  const std::string command = fmt::format("RCPT TO:<{}>", bare(written));
  const auto route = routes_.router().resolve(*sender_, address);
  const bool is_malformed = address.empty() || (route && route->bad_address) ||
                            (config_[param::strict_rfc821_envelopes] && address.starts_with('@'));
  if (!is_malformed && accepted_.size() >= static_cast<std::size_t>(config_[param::smtpd_recipient_limit])) {
    say(command, "452 4.5.3 Error: too many recipients");
    return;
  }
  recipient_ = address;
  Moment& moment = is_malformed ? say(command, "501 5.1.3 Bad recipient address syntax")
                                : ask(command, Stage::rcpt, &Rules::at_rcpt, "250 2.1.5 Ok");
  recipient_.reset();
  if (moment.kind == Moment::Kind::accepted) accepted_.push_back(address);
}

void WouldBe::content() {
  Moment& data = ask("DATA", Stage::data, &Rules::at_data, "354 End data with <CR><LF>.<CR><LF>");
  if (data.kind != Moment::Kind::accepted) return;
  ask("(end of message)", Stage::end_of_message, &Rules::at_end_of_data, "250 2.0.0 Ok: queued");
}

// What tables and policy services want done with the message comes before where its recipients are.
void WouldBe::find_routes() {
  const restrictions::Effects& effects = report_.effects;
  if (accepted_.empty() || is_over_ || effects.discard || report_.moments.back().kind != Moment::Kind::accepted) return;
  std::vector<std::string> addresses = accepted_;
  if (!effects.redirect.empty()) addresses = {effects.redirect};
  addresses.insert(addresses.end(), effects.bcc.begin(), effects.bcc.end());
  for (const std::string& address : addresses) {
    RouteReport& route = report_.routes.emplace_back(routes_.explain(*sender_, address));
    if (effects.filter.empty()) continue;
    route.filter = effects.filter;
    route.filter_is_action = true;
  }
}

SessionReport WouldBe::run() {
  report_.service = request_.service;
  identify();
  if (!connect() || !hello()) return std::move(report_);
  log_in();
  if (!mail()) return std::move(report_);
  for (const std::string& written : request_.recipients) {
    if (is_over_) break;
    recipient(written);
  }
  if (!accepted_.empty() && !is_over_) content();
  find_routes();
  return std::move(report_);
}

}  // namespace

Fate SessionReport::fate() const {
  Fate fate = Fate::delivered;
  for (const Moment& moment : moments) {
    if (moment.kind == Moment::Kind::refused) fate = worse(fate, Fate::refused);
    if (moment.kind == Moment::Kind::deferred) fate = worse(fate, Fate::waits);
  }
  return fate;
}

SessionReport explain_session(const Setup& setup, const Routes& routes, const Request& request) {
  return WouldBe(setup, routes, request).run();
}

}  // namespace postexplain
