#pragma once
// The frame of a delivery agent: takes requests from qmgr, opens and locks the message, hands both to the agent's own
// code, answers. Connections stay open for further requests.

#include <functional>
#include <memory>

#include "delivery/outcome.h"
#include "delivery/request.h"
#include "queue/message.h"
#include "service/service.h"

namespace delivery {

// One request, while the agent works on it.
struct Job {
  const Request& request;
  queue::MessageFile& message;  // a shared lock is held
  Recorder& recorder;
  Times times;  // the agent fills in `connected` and `delivered`
  std::optional<Status> destination_failure;
};

class AgentServer : public service::Server {
 public:
  AgentServer(const service::Context& context, queue::SpoolSettings spool);
  void serve(service::Client client) override;

 protected:
  // Every recipient must be recorded, once. A queue::BadRecord met on the way is thrown as Corrupt.
  virtual void deliver(Job& job) = 0;
  const config::Config& config() const { return config_; }
  const queue::Spool& spool() const { return spool_; }

 private:
  Report answer(const Request& request);
  const config::Config& config_;
  queue::Spool spool_;
  OutcomeSettings outcome_settings_;
};

struct Corrupt {
  std::string reason;
};

}  // namespace delivery
