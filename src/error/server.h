#pragma once
// Mail that must not be delivered: the next hop is the reason, with or without a status code at its front. As `error`
// all recipients bounce, as `retry` they wait.

#include "delivery/agent.h"

namespace error {

// Throws base::Fatal for a service name that says neither.
void check(const service::Context& context);

class Server final : public delivery::AgentServer {
 public:
  explicit Server(const service::Context& context, disk::Disk& disk = disk::real());

 protected:
  void deliver(delivery::Job& job) override;

 private:
  bool retries_;
};

}  // namespace error
