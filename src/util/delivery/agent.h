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
  // sendmail -bv and address verification: find out and record, deliver nothing.
  bool only_asked() const {
    return (request.trace_flags & (queue::trace::kMtaVerify | queue::trace::kUserVerify)) != 0;
  }

  const Request& request;
  queue::MessageFile& message;  // a shared lock is held
  Recorder& recorder;
  Times times;  // the agent fills in `connected` and `delivered`
  std::optional<Status> destination_failure;
};

class AgentServer : public service::Server {
 public:
  // `status_filter`: the parameter of this agent's delivery status filter; empty when it has none. `context` outlives
  // the server. Throws config::BadValue.
  AgentServer(const service::Context& context, queue::SpoolSettings spool, std::string_view status_filter = {},
              disk::Disk& disk = disk::real());
  void serve(service::Client client) override;

  // One request, as serve() gets it from the connection.
  Report answer(const Request& request);

 protected:
  // Every recipient must be recorded, once; one that is not counts as deferred. A queue::BadRecord met on the way is
  // thrown as Corrupt. What else is thrown (std::exception) is logged and leaves the other recipients deferred.
  virtual void deliver(Job& job) = 0;
  const config::Config& config() const { return config_; }
  const queue::Spool& spool() const { return spool_; }

 private:
  const config::Config& config_;
  queue::Spool spool_;
  OutcomeSettings outcome_settings_;
};

struct Corrupt {
  std::string reason;
};

}  // namespace delivery
