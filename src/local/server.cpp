#include "local/server.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/text.h"
#include "config/param.h"
#include "delivery/message_text.h"
#include "logging/log.h"
#include "mail/address.h"

namespace local {

namespace {

namespace param = config::param;
using delivery::Bounced;
using delivery::Deferred;
using delivery::Outcome;

// The recipients that the message says it was delivered to already.
std::set<std::string> addresses_delivered_to(const delivery::Job& job) {
  constexpr std::string_view kName = "delivered-to:";
  std::set<std::string> addresses;
  delivery::for_each_header_line(job.message, job.request.data_offset, [&](std::string_view line) {
    if (base::starts_with_folded(line, kName))
      addresses.insert(base::lower(base::trim_left(line.substr(kName.size()))));
    return true;
  });
  return addresses;
}

// Of a recipient whose mail is never lost for want of an alias.
bool is_required_name(std::string_view user) {
  return user == "mailer-daemon" || user == "postmaster";
}

std::optional<delivery::Status> missing_home(const User& user) {
  const auto identity = delivery::Identity::become(user.ids);
  if (!identity) return delivery::Status{.code = "4.3.0", .reason = identity.error().text};
  struct stat status{};
  if (::stat(user.home.c_str(), &status) == 0) return std::nullopt;
  return delivery::Status{.code = "4.3.0",
                          .reason = base::with_errno("cannot access home directory " + user.home, errno)};
}

}  // namespace

Server::Server(const service::Context& context, disk::Disk& disk)
    : AgentServer(context, queue::SpoolSettings::from(context.config), "local_delivery_status_filter", disk),
      delimiter_characters_(context.config[param::recipient_delimiter]),
      owner_request_special_(context.config[param::owner_request_special]),
      double_bounce_sender_(context.config[param::double_bounce_sender]),
      require_home_(context.config[param::require_home_directory]),
      expansion_(context.config),
      hand_over_(context),
      mailboxes_(context.config) {}

void Server::start() {
  for (const std::string& name : expansion_.not_served()) {
    logging::warning("local.not_served", "{parameter} is set but not served yet: mail that needs it is deferred",
                     {{"parameter", name}});
  }
}

std::string Server::stale() {
  std::string changed = expansion_.changed();
  return changed.empty() ? hand_over_.changed() : changed;
}

table::Delimiters Server::delimiters() const {
  return {delimiter_characters_, owner_request_special_, double_bounce_sender_};
}

void Server::deliver(delivery::Job& job) {
  const std::set<std::string> seen = addresses_delivered_to(job);
  for (const delivery::RequestRecipient& asked : job.request.recipients) {
    const Recipient parsed = parse_recipient(asked.address, delimiters());
    delivery::RequestRecipient recipient = asked;
    recipient.address = parsed.address;
    const auto outcome = deliver_to(job, recipient, parsed, {.address = asked.address, .seen = seen});
    if (!outcome) continue;
    delivery::Times times = job.times;
    times.delivered = delivery::microseconds_now();
    job.recorder.record(recipient, *outcome, {.relay = "local"}, times);
  }
}

std::optional<Outcome> Server::deliver_to(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                          const Recipient& parsed, const DeliveredTo& delivered_to) {
  if (parsed.user.empty()) {
    return Bounced{{.code = "5.1.3", .reason = fmt::format("null username in \"{}\"", recipient.address)}};
  }
  if (delivered_to.seen.contains(base::lower(mail::quote(delivered_to.address)))) {
    return Bounced{{.code = "5.4.6", .reason = "mail forwarding loop for " + recipient.address}};
  }
  if (parsed.bad_extension) {
    logging::warning("local.extension", "{id}: address with illegal extension: {local}",
                     {{"id", job.request.queue_id}, {"local", parsed.local}});
  }
  if (!parsed.to_mailbox) {
    if (auto wait = expansion_.aliases(parsed)) return Deferred{std::move(*wait)};
  }

  const auto user = find_user(parsed.user);
  if (!user) return Deferred{{.code = "4.3.0", .reason = user.error().text}};
  if (*user) {
    if (require_home_) {
      if (auto wait = missing_home(**user)) return Deferred{std::move(*wait)};
    }
    if (!parsed.to_mailbox) {
      if (auto wait = expansion_.forward_file(parsed, **user)) return Deferred{std::move(*wait)};
    }
  }

  const auto transport = hand_over_.for_mailbox(parsed);
  if (!transport) return Deferred{transport.error()};
  if (*transport) return pass(job, recipient, **transport);

  if (!*user) return deliver_to_unknown(job, recipient, parsed);
  if (auto wait = expansion_.mailbox_command(parsed)) return Deferred{std::move(*wait)};
  return mailboxes_.deliver(spool().disk(), job, recipient, delivered_to.address, **user);
}

std::optional<Outcome> Server::deliver_to_unknown(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                                  const Recipient& parsed) {
  const auto transport = hand_over_.for_unknown(parsed);
  if (!transport) return Deferred{transport.error()};
  if (*transport) return pass(job, recipient, **transport);
  if (auto wait = expansion_.unknown_user_relay()) return Deferred{std::move(*wait)};
  if (is_required_name(parsed.user)) {
    logging::warning("local.required_alias", "required alias not found: {name}", {{"name", parsed.user}});
    return delivery::Sent{.status = {.code = "2.0.0", .reason = "discarded"}};
  }
  return Bounced{{.code = "5.1.1", .reason = fmt::format("unknown user: \"{}\"", parsed.user)}};
}

std::optional<Outcome> Server::pass(const delivery::Job& job, const delivery::RequestRecipient& recipient,
                                    const Transport& transport) {
  auto wait = hand_over_.pass(job, recipient, transport);
  if (!wait) return std::nullopt;
  return Deferred{std::move(*wait)};
}

}  // namespace local
