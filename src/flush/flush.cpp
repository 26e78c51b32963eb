#include "flush/flush.h"

#include "config/param.h"
#include "io/stream.h"
#include "ipc/channel.h"
#include "service/service.h"

namespace flush {

namespace {

namespace param = config::param;

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context)
      : timeout_(context.config[param::ipc_timeout]),
        refresh_time_(context.config[param::fast_flush_refresh_time]),
        spool_(queue::SpoolSettings::from(context.config)),
        logs_(context.config, spool_) {}

  void serve(service::Client client) override {
    ipc::Channel channel(std::move(client.fd));
    while (true) {
      channel.set_deadline(io::Deadline::after(timeout_));
      const auto frame = channel.receive_frame_or_end(timeout_);
      if (!frame) return;
      const auto request = ipc::Channel::understand<client::FlushRequest>(*frame);
      channel.send(client::FlushResult{logs_.serve(request)});
      channel.flush();
    }
  }

  // Master's wake-up timer; whatever letter it sends.
  void triggered(std::string_view) override { (void)logs_.refresh(refresh_time_); }

  std::string stale() override { return logs_.changed_table(); }

 private:
  base::Seconds timeout_;
  base::Seconds refresh_time_;
  queue::Spool spool_;
  Logs logs_;
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  return std::make_unique<Server>(context);
}

}  // namespace flush
