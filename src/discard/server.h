#pragma once
// Mail that is thrown away and told as sent: the next hop is the text to tell, with or without a status code.

#include "delivery/agent.h"

namespace discard {

class Server final : public delivery::AgentServer {
 public:
  explicit Server(const service::Context& context, disk::Disk& disk = disk::real());

 protected:
  void deliver(delivery::Job& job) override;
};

}  // namespace discard
