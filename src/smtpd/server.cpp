#include "smtpd/server.h"

#include <algorithm>
#include <array>

#include "config/param.h"
#include "smtpd/peer.h"
#include "smtpd/postdrop_sink.h"
#include "smtpd/session.h"

namespace smtpd {

namespace param = config::param;

namespace {

// What one read brings. Nothing of it is held while a session waits.
constexpr std::size_t kBufferSize = 64 * 1024;
// anvil answers at once. Should it not, mail is worth more than limits.
constexpr auto kAnvilTime = std::chrono::seconds(5);
constexpr auto kTicketTime = std::chrono::seconds(10);

std::unique_ptr<MailSink> sink_for(const service::Context& context, ipc::Pool& pool) {
  const config::Config& config = context.config;
  if (context.stand_alone)
    return std::make_unique<PostdropSink>(config[param::command_directory] + "/postdrop", config[param::ipc_timeout]);
  return std::make_unique<CleanupSink>(pool, "public/" + config[param::cleanup_service_name],
                                       config[param::ipc_timeout]);
}

// main.cf as it is under stress. Nothing: it says the same.
std::optional<config::Config> under_stress(const service::Context& context) {
  if (context.stand_alone) return std::nullopt;
  config::Source source{.directory = context.config.directory(),
                        .process_name = context.program,
                        .service_name = context.service_name,
                        .overrides = context.overrides};
  source.overrides.push_back({"stress", "yes"});
  auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

// What stress often changes, and no restriction knows of; `stress` is in what others become by it.
constexpr std::array kOfSessions = {
    std::string_view("stress"),
    std::string_view("smtpd_timeout"),
    std::string_view("smtpd_hard_error_limit"),
    std::string_view("smtpd_soft_error_limit"),
    std::string_view("smtpd_junk_command_limit"),
    std::string_view("smtpd_error_sleep_time"),
    std::string_view("smtpd_per_request_deadline"),
    std::string_view("smtpd_min_data_rate"),
    std::string_view("smtpd_starttls_timeout"),
};

// Whether the restrictions are others under stress.
bool differ(const config::Config& calm, const config::Config& stress) {
  for (const auto& [name, setting] : calm.settings()) {
    const bool matters = std::ranges::find(kOfSessions, name) == kOfSessions.end();
    if (matters && calm.value(name) != stress.value(name)) return true;
  }
  return false;
}

}  // namespace

Server::Server(const service::Context& context)
    : config_(context.config),
      stress_config_(under_stress(context)),
      resolver_(dns::Resolver::Options::from(context.config)),
      router_(context.config),
      rules_(std::make_unique<restrictions::Rules>(restrictions::Rules::Uses{.config = context.config,
                                                                             .router = router_,
                                                                             .resolver = resolver_,
                                                                             .service_name = context.service_name,
                                                                             .tables = tables_})),
      anvil_("private/anvil", kAnvilTime),
      sasl_(context.config[param::smtpd_sasl_auth_enable] && !context.stand_alone ? sasl::make_server(context.config)
                                                                                  : nullptr),
      sink_(sink_for(context, pool_)) {
  const bool wants_tls = tls::server_level(config_) != tls::Level::none || config_[param::smtpd_tls_wrappermode];
  if (wants_tls && !context.stand_alone) {
    tickets_ = std::make_unique<client::TlsmgrClient>("private/" + config_[param::tlsmgr_service_name],
                                                      context.service_name, kTicketTime);
    tls_ = std::make_unique<tls::Server>(config_, tickets_.get());
  }
  if (stress_config_ && differ(config_, *stress_config_))
    stress_rules_ =
        std::make_unique<restrictions::Rules>(restrictions::Rules::Uses{.config = *stress_config_,
                                                                        .router = router_,
                                                                        .resolver = resolver_,
                                                                        .service_name = context.service_name,
                                                                        .tables = tables_});
  shared_ = std::make_unique<Shared>(Shared::Parts{.config = &config_,
                                                   .stress_config = stress_config_ ? &*stress_config_ : nullptr,
                                                   .router = &router_,
                                                   .resolver = &resolver_,
                                                   .rules = context.stand_alone ? nullptr : rules_.get(),
                                                   .stress_rules = stress_rules_.get(),
                                                   .sink = sink_.get(),
                                                   .sasl = sasl_.get(),
                                                   .tls = tls_.get(),
                                                   .anvil = &anvil_,
                                                   .pool = &pool_,
                                                   .tables = tables_,
                                                   .service_name = context.service_name,
                                                   .stand_alone = context.stand_alone});
  shared_->set_stressed(stress_config_ && !config_[param::stress].empty());
}

Server::~Server() = default;

void Server::serve(service::Client client) {
  restrictions::Client who = addresses_of(client.fd.get());
  Session session(*shared_, io::Stream(std::move(client.fd), kBufferSize), std::move(who));
  session.run();
}

std::string Server::stale() {
  if (shared_->tables_changed() || router_.has_changed() || rules_->has_changed()) return "an SMTP server's table";
  return tls_ ? tls_->stale() : "";
}

}  // namespace smtpd
