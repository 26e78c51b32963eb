#pragma once
// The cleanup service: takes in messages, many at once, and puts them into the queue.

#include "cleanup/session.h"
#include "service/service.h"

namespace cleanup {

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context);  // opens the tables; throws base::Fatal

  void serve(service::Client client) override;
  std::string stale() override { return tables_.changed(); }
  void finish(io::Deadline) override { spares_.close(); }

 private:
  static constexpr std::size_t kCreators = 10;

  Settings settings_;
  Tables tables_;
  queue::Spool spool_;
  delivery::OutcomeSettings outcomes_;
  io::Semaphore creators_{kCreators};
  SpareStock spares_;
  client::QmgrClient qmgr_;
  ipc::Pool pool_;
  client::BounceClient bounce_;
  Shared shared_;
};

}  // namespace cleanup
