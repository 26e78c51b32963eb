#pragma once
// What all sessions of an smtpd process use. Made before privileges are given up; tests make one with parts of their
// own.

#include <memory>
#include <string>

#include "client/anvil_client.h"
#include "dns/resolver.h"
#include "ipc/channel.h"
#include "restrictions/rules.h"
#include "routing/router.h"
#include "sasl/server.h"
#include "smtpd/mail_sink.h"
#include "smtpd/settings.h"
#include "tls/server.h"

namespace smtpd {

class Shared {
 public:
  struct Parts {
    const config::Config* config = nullptr;
    const config::Config* stress_config = nullptr;  // with stress=yes; null: stress changes nothing
    const routing::Router* router = nullptr;
    dns::Resolver* resolver = nullptr;
    const restrictions::Rules* rules = nullptr;         // null: everything is accepted (tests)
    const restrictions::Rules* stress_rules = nullptr;  // null: the same
    MailSink* sink = nullptr;
    sasl::Server* sasl = nullptr;          // null: no SASL
    tls::Server* tls = nullptr;            // null: no TLS
    client::AnvilClient* anvil = nullptr;  // null: no limits over sessions
    ipc::Pool* pool = nullptr;
    std::shared_ptr<table::Pool> tables = std::make_shared<table::Pool>();  // may be shared with rules
    std::string service_name = "smtp";
    bool stand_alone = false;  // sendmail -bs
  };
  explicit Shared(Parts parts);
  ~Shared();

  const Parts& parts() const { return parts_; }
  // calm or stress: which of the two main.cf gives now (`${stress?...}`).
  const Settings& settings() const { return stressed_ && stress_ ? *stress_ : *calm_; }
  const restrictions::Rules* rules() const {
    return stressed_ && parts_.stress_rules != nullptr ? parts_.stress_rules : parts_.rules;
  }
  void set_stressed(bool stressed) { stressed_ = stressed; }
  bool stressed() const { return stressed_; }
  bool tables_changed() const;

 private:
  Parts parts_;
  std::unique_ptr<Settings> calm_, stress_;
  bool stressed_ = false;
};

}  // namespace smtpd
