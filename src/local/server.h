#pragma once
// Delivers to the users of this machine. For each recipient, in this order; the first that applies decides:
//
//   1  no name at all, or a Delivered-To: header that has the recipient already: bounced
//   2  an alias                                       (Expansion)
//   3  the user's .forward file                       (Expansion)
//   4  mailbox_transport_maps, mailbox_transport      (HandOver)
//   5  no such user: fallback_transport_maps, fallback_transport, luser_relay; postmaster's and the mail system's own
//      mail is discarded; the rest bounces
//   6  mailbox_command_maps, mailbox_command          (Expansion)
//   7  home_mailbox, else mail_spool_directory        (Mailboxes)
//
// A leading backslash goes straight to 4.

#include <optional>
#include <set>
#include <string>

#include "delivery/agent.h"
#include "local/expansion.h"
#include "local/hand_over.h"
#include "local/mailboxes.h"
#include "local/recipient.h"

namespace local {

class Server final : public delivery::AgentServer {
 public:
  explicit Server(const service::Context& context, disk::Disk& disk = disk::real());
  void start() override;
  std::string stale() override;

 protected:
  void deliver(delivery::Job& job) override;

 private:
  // What Delivered-To: will say of this delivery, and what it says of earlier ones.
  struct DeliveredTo {
    const std::string& address;         // as the envelope has it
    const std::set<std::string>& seen;  // in lower case
  };
  // Nothing: another agent has dealt with the recipient.
  std::optional<delivery::Outcome> deliver_to(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                              const Recipient& parsed, const DeliveredTo& delivered_to);
  std::optional<delivery::Outcome> deliver_to_unknown(const delivery::Job& job,
                                                      const delivery::RequestRecipient& recipient,
                                                      const Recipient& parsed);
  std::optional<delivery::Outcome> pass(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                        const Transport& transport);
  table::Delimiters delimiters() const;

  std::string delimiter_characters_;
  bool owner_request_special_;
  std::string double_bounce_sender_;
  bool require_home_;
  Expansion expansion_;
  HandOver hand_over_;
  Mailboxes mailboxes_;
};

}  // namespace local
