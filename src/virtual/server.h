#pragma once
// Delivers to mailboxes that tables name, as the users that tables name. No aliases, no commands.

#include "delivery/agent.h"
#include "delivery/mailbox.h"
#include "virtual/mailboxes.h"

namespace virtual_agent {

class Server final : public delivery::AgentServer {
 public:
  explicit Server(const service::Context& context, disk::Disk& disk = disk::real());
  std::string stale() override { return mailboxes_.changed(); }

 protected:
  void deliver(delivery::Job& job) override;

 private:
  delivery::Outcome deliver_to(const delivery::Job& job, const delivery::RequestRecipient& recipient) const;
  delivery::Outcome put_into(const Mailbox& mailbox, const delivery::Job& job,
                             const delivery::RequestRecipient& recipient) const;

  Mailboxes mailboxes_;
  delivery::MailboxSettings settings_;
  bool original_recipient_;
};

}  // namespace virtual_agent
