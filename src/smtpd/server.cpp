#include "smtpd/server.h"

#include "config/param.h"
#include "smtpd/peer.h"
#include "smtpd/session.h"

namespace smtpd {

namespace param = config::param;

namespace {

// What one read brings. Nothing of it is held while a session waits.
constexpr std::size_t kBufferSize = 64 * 1024;
// anvil answers at once. Should it not, mail is worth more than limits.
constexpr auto kAnvilTime = std::chrono::seconds(5);
// So does tlsmgr, and a session without a ticket is only slower.
constexpr auto kTlsmgrTime = std::chrono::seconds(3);

}  // namespace

Server::Server(const service::Context& context)
    : config_(context.config),
      router_(context.config),
      anvil_("private/anvil", kAnvilTime),
      sasl_(context.config[param::smtpd_sasl_auth_enable] ? sasl::make_server(context.config) : nullptr),
      sink_(pool_, "public/" + context.config[param::cleanup_service_name], context.config[param::ipc_timeout]) {
  if (!context.stand_alone && tls::server_level(config_) != tls::Level::none) {
    tlsmgr_.emplace("private/" + config_[param::tlsmgr_service_name], context.service_name, kTlsmgrTime);
    tls_ = std::make_unique<tls::Server>(config_, &*tlsmgr_);
  }
  shared_ = std::make_unique<Shared>(Shared::Parts{.config = &config_,
                                                   .router = &router_,
                                                   .sink = &sink_,
                                                   .sasl = sasl_.get(),
                                                   .tls = tls_.get(),
                                                   .anvil = &anvil_,
                                                   .pool = &pool_,
                                                   .service_name = context.service_name,
                                                   .stand_alone = context.stand_alone});
}

Server::~Server() = default;

void Server::serve(service::Client client) {
  restrictions::Client who = addresses_of(client.fd.get());
  Session session(*shared_, io::Stream(std::move(client.fd), kBufferSize), std::move(who));
  session.run();
}

std::string Server::stale() {
  if (shared_->tables_changed()) return "smtpd's tables";
  return tls_ ? tls_->stale() : "";
}

}  // namespace smtpd
