#pragma once
// public/qmgr: letters, and cleanup's announcements.

#include "qmgr/flow.h"
#include "service/service.h"

namespace qmgr {

class Server final : public service::Server {
 public:
  // Opens the tables. Throws base::Fatal.
  explicit Server(const service::Context& context);

  void start() override { flow_.start(); }
  void serve(service::Client client) override;
  void missed_a_client() override { flow_.look_again(); }
  void triggered(std::string_view requests) override { flow_.request(requests); }
  std::string stale() override { return flow_.stale(); }
  void finish(io::Deadline deadline) override { flow_.stop(deadline); }
  bool busy() const override { return true; }

 private:
  base::Seconds ipc_timeout_;
  Flow flow_;
};

}  // namespace qmgr
