#pragma once
// The services bounce, defer and trace: a log becomes notices, the notices go to cleanup, the log goes.

#include <memory>

#include "bounce/plan.h"
#include "bounce/settings.h"
#include "client/bounce_client.h"
#include "queue/spool.h"
#include "service/service.h"

namespace bounce {

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context);
  void serve(service::Client client) override;

 private:
  client::NoticeResult answer(const client::NoticeRequest& request);
  client::NoticeResult answer(const client::SingleBounce& request);
  // Each letter is with cleanup when it returns; otherwise why not.
  client::NoticeResult send(const client::NoticeRequest& about, std::vector<queue::StatusEntry> entries);
  void hand_over(const Letter& letter, const client::NoticeRequest& about, const Original& original);

  Settings settings_;
  queue::Spool spool_;
  std::string cleanup_path_;
  io::Clock::duration ipc_timeout_;
  ipc::Pool pool_;
};

}  // namespace bounce
