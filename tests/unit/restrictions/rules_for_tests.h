#pragma once
// Rules from main.cf text, and a client that says what a test wants said.

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "config/config.h"
#include "dns/resolver.h"
#include "lib/restrictions_world.h"
#include "logging/log.h"
#include "restrictions/rules.h"
#include "routing/router.h"

namespace restrictions {

using restrictions_world::no_name_service;

// What happened, a line each: "enter smtpd_client_restrictions /etc/postfix/main.cf, line 3", "permit
// permit_mynetworks".
struct Trace : Observer {
  std::vector<std::string> lines;
  void rewrote(std::string_view, std::string_view, std::string_view) override {}
  void looked_up(std::string_view parameter, std::string_view key, const std::string* result) override {
    lines.push_back(fmt::format("look up {} {}: {}", parameter, key, result == nullptr ? "nothing" : *result));
  }
  void decided(std::string_view what, std::string_view verdict, std::string_view) override {
    lines.push_back(fmt::format("decide {}: {}", what, verdict));
  }
  void entered(std::string_view list, std::string_view origin) override {
    lines.push_back(fmt::format("enter {} ({})", list, origin));
  }
  void asked(std::string_view restriction, std::string_view origin) override {
    lines.push_back(fmt::format("ask {} ({})", restriction, origin));
  }
  void judged(std::string_view restriction, std::string_view verdict, std::string_view reply) override {
    lines.push_back(fmt::format("judge {}: {}{}{}", restriction, verdict, reply.empty() ? "" : " ", reply));
  }
  void left(std::string_view list, std::string_view verdict) override {
    lines.push_back(fmt::format("leave {}: {}", list, verdict));
  }
  bool has(std::string_view line) const {
    for (const std::string& one : lines) {
      if (one == line) return true;
    }
    return false;
  }
};

// A server for which 192.0.2.0/24 is near, local.test and relay.test are ours, and ann@local.test is the only local
// user.
class Server {
 public:
  static constexpr std::string_view kMainCf =
      "myhostname = mail.test\nmydestination = local.test\nmyorigin = local.test\nrelay_domains = relay.test\n"
      "mynetworks = 192.0.2.0/24\ninet_interfaces = loopback-only\nlocal_recipient_maps = inline:{ann=x}\n"
      "alias_maps =\ncompatibility_level = 3.6\nrecipient_delimiter = +\n";

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;
  explicit Server(const std::string& main_cf, dns::Resolver::Options names = no_name_service())
      : config_(config::Config::from_text(std::string(kMainCf) + main_cf).value()),
        router_(config_),
        resolver_(std::move(names)),
        rules_({config_, router_, resolver_, "smtp"}) {
    client.name = "client.test";
    client.reverse_name = "client.test";
    client.address = "198.51.100.7";
    client.port = "4711";
    client.server_address = "192.0.2.25";
    client.server_port = "25";
    client.name_status = client.reverse_status = Client::Status::found;
  }

  Subject subject(Stage stage) const {
    Subject all{client, tls, stage, "ESMTP"};
    if (stage != Stage::connect && has_helo) all.helo = helo;
    if (stage != Stage::connect && stage != Stage::helo && stage != Stage::etrn) all.sender = sender;
    if (stage == Stage::rcpt || stage == Stage::data || stage == Stage::end_of_message) all.recipient = recipient;
    if (stage == Stage::etrn) all.etrn_domain = etrn_domain;
    all.recipient_count = recipient_count;
    all.sasl_username = sasl_username;
    all.earlier = earlier;
    all.talks_ahead = talks_ahead;
    return all;
  }

  Decision decide(Stage stage, Observer* observer = nullptr) const {
    const Subject all = subject(stage);
    switch (stage) {
      case Stage::connect:
      case Stage::xclient:
        return rules_.at_connect(all, observer);
      case Stage::helo:
      case Stage::ehlo:
        return rules_.at_helo(all, observer);
      case Stage::mail:
        return rules_.at_mail(all, observer);
      case Stage::rcpt:
      case Stage::vrfy:
        return rules_.at_rcpt(all, observer);
      case Stage::data:
        return rules_.at_data(all, observer);
      case Stage::end_of_message:
        return rules_.at_end_of_data(all, observer);
      case Stage::etrn:
        return rules_.at_etrn(all, observer);
    }
    return {};
  }

  // "ok", "hang up", or the reply.
  std::string say(Stage stage) const { return text_of(decide(stage)); }
  std::string rcpt() const { return say(Stage::rcpt); }
  std::string rcpt(std::string_view to) {
    recipient = to;
    return rcpt();
  }
  std::string from(std::string_view address) {
    sender = address;
    return rcpt();
  }
  // The notes, "reject_warning: 554 5.7.1 ..."
  std::vector<std::string> notes(Stage stage = Stage::rcpt) const {
    std::vector<std::string> all;
    for (const Note& note : decide(stage).notes) all.push_back(note.action + ": " + note.text);
    return all;
  }
  Trace trace(Stage stage = Stage::rcpt) const {
    Trace trace;
    decide(stage, &trace);
    return trace;
  }
  const Rules& rules() const { return rules_; }

  static std::string text_of(const Decision& decision) {
    switch (decision.kind) {
      case Decision::Kind::accept:
        return "ok";
      case Decision::Kind::refuse:
        return decision.reply.line();
      case Decision::Kind::hang_up:
        return "hang up";
    }
    return {};
  }

  Client client;
  tls::Facts tls;
  bool has_helo = true;
  std::string helo = "helo.test";
  std::string sender = "sender@client.test";
  std::string recipient = "ann@local.test";
  std::string etrn_domain = "etrn.test";
  std::string sasl_username;
  int recipient_count = 0;
  const Deferral* earlier = nullptr;
  std::function<bool()> talks_ahead;

 private:
  config::Config config_;
  routing::Router router_;
  dns::Resolver resolver_;
  Rules rules_;
};

// A server with these recipient restrictions and no others.
inline Server server_with(const std::string& restrictions, const std::string& more = "") {
  return Server(
      "smtpd_relay_restrictions = permit_mynetworks, reject_unauth_destination\nsmtpd_recipient_restrictions = " +
      restrictions + "\n" + more);
}

}  // namespace restrictions
