#pragma once
// The smtpd service: takes clients, each into a session of its own.

#include <memory>
#include <optional>

#include "client/anvil_client.h"
#include "client/tlsmgr_client.h"
#include "dns/resolver.h"
#include "ipc/channel.h"
#include "restrictions/rules.h"
#include "routing/router.h"
#include "sasl/server.h"
#include "service/service.h"
#include "smtpd/cleanup_sink.h"
#include "smtpd/shared.h"
#include "tls/server.h"

namespace smtpd {

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context);  // opens the tables; throws base::Fatal
  ~Server() override;

  void serve(service::Client client) override;
  std::string stale() override;
  void stressed(bool is_stressed) override { shared_->set_stressed(is_stressed); }

 private:
  const config::Config& config_;
  std::optional<config::Config> stress_config_;
  dns::Resolver resolver_;
  routing::Router router_;
  std::shared_ptr<table::Pool> tables_ = std::make_shared<table::Pool>();
  std::unique_ptr<restrictions::Rules> rules_, stress_rules_;
  ipc::Pool pool_;
  client::AnvilClient anvil_;
  std::unique_ptr<sasl::Server> sasl_;  // null: smtpd_sasl_auth_enable = no
  std::unique_ptr<client::TlsmgrClient> tickets_;
  std::unique_ptr<tls::Server> tls_;  // null: smtpd_tls_security_level = none
  std::unique_ptr<MailSink> sink_;
  std::unique_ptr<Shared> shared_;
};

}  // namespace smtpd
