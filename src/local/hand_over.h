#pragma once
// Mailbox delivery by another agent: mailbox_transport and fallback_transport with their tables.

#include <expected>
#include <optional>
#include <string>

#include "config/config.h"
#include "delivery/agent.h"
#include "ipc/channel.h"
#include "local/recipient.h"
#include "table/list.h"

namespace local {

// "lmtp:unix:private/dovecot", "discard": a transport and, unless empty, its next hop. The error is a clause.
struct Transport {
  std::string name;
  std::string nexthop;
};
std::expected<Transport, std::string> parse_transport(std::string_view text);

class HandOver {
 public:
  explicit HandOver(const service::Context& context);

  // The transport for this recipient's mailbox, or for unknown users; nothing: there is none. The error is the status
  // with which the recipient waits.
  using Choice = std::expected<std::optional<Transport>, delivery::Status>;
  Choice for_mailbox(const Recipient& recipient) const;
  Choice for_unknown(const Recipient& recipient) const;

  // Asks the agent to deliver, mark and log this recipient. The status, if there is one, is for us to record: the agent
  // cannot be reached, or went away. Throws delivery::Corrupt.
  std::optional<delivery::Status> pass(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                       const Transport& transport);

  std::string changed() const;

 private:
  Choice choose(const table::TableList& tables, std::string_view parameter, const std::string& otherwise,
                const Recipient& recipient) const;

  std::string own_service_;
  io::Clock::duration ipc_limit_;
  std::string mailbox_transport_;
  std::string fallback_transport_;
  bool external_addresses_;
  table::TableList mailbox_maps_;
  table::TableList fallback_maps_;
  ipc::Pool pool_;
};

}  // namespace local
