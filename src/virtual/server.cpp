#include "virtual/server.h"

#include <fmt/format.h>

#include <ctime>

#include "base/text.h"
#include "config/param.h"
#include "delivery/maildir.h"
#include "delivery/mbox.h"
#include "logging/log.h"

namespace virtual_agent {

namespace {

namespace param = config::param;
using delivery::MailboxForm;

constexpr std::string_view kRelay = "virtual";

delivery::MailboxSettings settings_of(const config::Config& config) {
  auto settings = delivery::MailboxSettings::from(config);
  settings.locks = delivery::LockMethods::parse("virtual_mailbox_lock", config[param::virtual_mailbox_lock]);
  settings.set_size_limit(config, "virtual_mailbox_limit", config[param::virtual_mailbox_limit]);
  return settings;
}

}  // namespace

Server::Server(const service::Context& context, disk::Disk& disk)
    : AgentServer(context, queue::SpoolSettings::from(context.config), "virtual_delivery_status_filter", disk),
      mailboxes_(context.config),
      settings_(settings_of(context.config)),
      original_recipient_(context.config[param::enable_original_recipient]) {}

void Server::deliver(delivery::Job& job) {
  for (const delivery::RequestRecipient& recipient : job.request.recipients) {
    const delivery::Outcome outcome = deliver_to(job, recipient);
    delivery::Times times = job.times;
    times.delivered = delivery::microseconds_now();
    job.recorder.record(recipient, outcome, {.relay = std::string(kRelay)}, times);
  }
}

delivery::Outcome Server::deliver_to(const delivery::Job& job, const delivery::RequestRecipient& recipient) const {
  const auto mailbox = mailboxes_.find(recipient.address);
  if (!mailbox) return delivery::Deferred{mailbox.error()};
  if (!*mailbox) {
    return delivery::Bounced{
        {.code = "5.1.1", .reason = fmt::format("unknown user: \"{}\"", base::lower(recipient.address))}};
  }
  return put_into(**mailbox, job, recipient);
}

delivery::Outcome Server::put_into(const Mailbox& mailbox, const delivery::Job& job,
                                   const delivery::RequestRecipient& recipient) const {
  const MailboxForm form = delivery::form_of(mailbox.path);
  if (job.only_asked()) return delivery::success(form, true);

  const std::string front = delivery::front_lines({.sender = job.request.sender,
                                                   .original = original_recipient_ ? recipient.original : "",
                                                   .delivered_to = recipient.address,
                                                   .time = std::time(nullptr)},
                                                  form);
  const delivery::TextWriter write = [&](const delivery::TextSink& sink) {
    return delivery::copy_message(job.message, job.request.data_offset, front, form, sink);
  };
  if (form == MailboxForm::maildir) {
    const delivery::MaildirTarget target{.directory = mailbox.path,
                                         .name = delivery::maildir_name(job.request, recipient, settings_.host),
                                         .fresh = job.request.fresh,
                                         .size_limit = settings_.size_limit};
    const auto identity = delivery::Identity::become(mailbox.owner);
    const delivery::MailboxResult result = identity ? delivery::deliver_to_maildir(spool().disk(), target, write)
                                                    : std::unexpected(delivery::MailboxError{0, identity.error().text});
    if (result) return delivery::success(form, false);
    if (result.error().number == EACCES) {
      logging::warning("virtual.maildir_access",
                       "maildir access problem for UID/GID={uid}/{gid}: {error} -- perhaps you need to create the "
                       "maildirs in advance",
                       {{"uid", mailbox.owner.uid}, {"gid", mailbox.owner.gid}, {"error", result.error().text}});
    }
    return delivery::failure(result.error(), "maildir delivery failed: " + result.error().text);
  }
  const delivery::MboxTarget target{.path = mailbox.path, .owner = mailbox.owner, .opener = mailbox.owner};
  const auto result = delivery::deliver_to_mbox(spool().disk(), settings_, target, write);
  if (result) return delivery::success(form, false);
  return delivery::failure(result.error(),
                           fmt::format("delivery failed to mailbox {}: {}", mailbox.path, result.error().text));
}

}  // namespace virtual_agent
