#include "tlsmgr/server.h"

#include "client/tlsmgr_client.h"
#include "config/param.h"
#include "ipc/channel.h"
#include "logging/log.h"
#include "tlsmgr/keys.h"

namespace tlsmgr {

namespace {

namespace param = config::param;

template <std::size_t size>
std::string text_of(const std::array<std::uint8_t, size>& bytes) {
  return {bytes.begin(), bytes.end()};
}

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context)
      : timeout_(context.config[param::ipc_timeout]),
        keys_(context.config[param::smtpd_tls_session_cache_timeout], kernel_random) {
    if (!context.config[param::smtpd_tls_session_cache_database].empty()) {
      logging::warning("tlsmgr.no_database",
                       "smtpd_tls_session_cache_database is not used: TLS sessions are resumed by the tickets that "
                       "clients keep; remove it from main.cf");
    }
  }

  void serve(service::Client client) override {
    ipc::Channel channel(std::move(client.fd));
    while (true) {
      channel.set_deadline(io::Deadline::after(timeout_));
      const auto frame = channel.receive_frame_or_end(timeout_);
      if (!frame) return;
      channel.send(answer(ipc::Channel::understand<client::TlsmgrRequest>(*frame)));
      channel.flush();
    }
  }

  // Master's wake-up timer: a good time to forget.
  void triggered(std::string_view) override { keys_.drop_old(std::time(nullptr)); }

  // Keys that still open tickets would be lost with the process.
  bool busy() const override { return keys_.drop_old(std::time(nullptr)); }

 private:
  client::TlsmgrResult answer(const client::TlsmgrRequest& request) {
    client::TlsmgrResult result;
    result.lifetime = keys_.lifetime().count();
    for (const tls::TicketKey& key : keys_.of(request.service, std::time(nullptr))) {
      result.keys.push_back({text_of(key.name), text_of(key.cipher), text_of(key.hmac), key.expires});
    }
    return result;
  }

  base::Seconds timeout_;
  mutable Keys keys_;
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  return std::make_unique<Server>(context);
}

}  // namespace tlsmgr
