#include "local/mailboxes.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <ctime>

#include "base/text.h"
#include "config/param.h"
#include "delivery/maildir.h"
#include "delivery/message_text.h"
#include "logging/log.h"

namespace local {

namespace {

namespace param = config::param;
using delivery::MailboxForm;

delivery::MailboxSettings settings_of(const config::Config& config) {
  auto settings = delivery::MailboxSettings::from(config);
  settings.locks = delivery::LockMethods::parse("mailbox_delivery_lock", config[param::mailbox_delivery_lock]);
  if (config[param::sun_mailtool_compatibility]) settings.locks = {.dotlock = true, .fcntl = false, .flock = false};
  settings.set_size_limit(config, "mailbox_size_limit", config[param::mailbox_size_limit]);
  return settings;
}

bool names(const std::string& list, std::string_view word) {
  const auto words = base::split(list);
  return std::ranges::any_of(words, [&](std::string_view item) { return base::equals_folded(item, word); });
}

}  // namespace

SpoolAccess access_to_spool(const struct stat& directory, const delivery::Ids& owner) {
  if ((directory.st_mode & S_IWOTH) != 0) return {owner, false};
  // The new file gets the directory's group, as mail readers expect that run with it.
  if ((directory.st_mode & S_IWGRP) != 0) return {{owner.uid, directory.st_gid}, false};
  return {{0, owner.gid}, true};
}

Mailboxes::Mailboxes(const config::Config& config)
    : settings_(settings_of(config)),
      home_mailbox_(config[param::home_mailbox]),
      spool_directory_(config[param::mail_spool_directory]),
      original_recipient_(config[param::enable_original_recipient]),
      delivered_to_(names(config[param::prepend_delivered_header], "file")) {
  if (config[param::biff]) biff_.emplace();
}

// As Postfix: a maildir at home, a maildir in the spool, a file at home, a file in the spool.
bool Mailboxes::is_at_home() const {
  return !home_mailbox_.empty() && (home_mailbox_.ends_with('/') || !spool_directory_.ends_with('/'));
}

std::string Mailboxes::path_of(const User& user) const {
  if (is_at_home()) return fmt::format("{}/{}", user.home, home_mailbox_);
  if (spool_directory_.ends_with('/')) return fmt::format("{}{}/", spool_directory_, user.name);
  return fmt::format("{}/{}", spool_directory_, user.name);
}

delivery::MboxTarget Mailboxes::target_of(const std::string& path, const User& user) const {
  delivery::MboxTarget target{.path = path, .owner = user.ids, .opener = user.ids};
  struct stat directory{};
  if (!is_at_home() && delivery::is_privileged() && ::stat(spool_directory_.c_str(), &directory) == 0) {
    const SpoolAccess access = access_to_spool(directory, user.ids);
    target.opener = access.opener;
    target.give_to_owner = access.give_to_owner;
  }
  return target;
}

delivery::Outcome Mailboxes::deliver(disk::Disk& disk, const delivery::Job& job,
                                     const delivery::RequestRecipient& recipient, const std::string& delivered_to,
                                     const User& user) const {
  const std::string path = path_of(user);
  const MailboxForm form = delivery::form_of(path);
  if (job.only_asked()) return delivery::success(form, true);

  const std::string front = delivery::front_lines({.sender = job.request.sender,
                                                   .original = original_recipient_ ? recipient.original : "",
                                                   .delivered_to = delivered_to_ ? delivered_to : "",
                                                   .time = std::time(nullptr)},
                                                  form);
  const delivery::TextWriter write = [&](const delivery::TextSink& sink) {
    return delivery::copy_message(job.message, job.request.data_offset, front, form, sink);
  };
  if (form == MailboxForm::maildir) {
    const delivery::MaildirTarget target{.directory = path,
                                         .name = delivery::maildir_name(job.request, recipient, settings_.host),
                                         .fresh = job.request.fresh,
                                         .size_limit = settings_.size_limit};
    const auto identity = delivery::Identity::become(user.ids);
    const delivery::MailboxResult result = identity ? delivery::deliver_to_maildir(disk, target, write)
                                                    : std::unexpected(delivery::MailboxError{0, identity.error().text});
    if (result) return delivery::success(form, false);
    if (result.error().number == EACCES) {
      logging::warning("local.maildir_access",
                       "maildir access problem for UID/GID={uid}/{gid}: {error} -- perhaps you need to create the "
                       "maildirs in advance",
                       {{"uid", user.ids.uid}, {"gid", user.ids.gid}, {"error", result.error().text}});
    }
    return delivery::failure(result.error(), "maildir delivery failed: " + result.error().text);
  }
  const auto offset = delivery::deliver_to_mbox(disk, settings_, target_of(path, user), write);
  if (!offset) {
    return delivery::failure(
        offset.error(), fmt::format("cannot update mailbox {} for user {}. {}", path, user.name, offset.error().text));
  }
  if (biff_) biff_->tell(user.name, *offset);
  return delivery::success(form, false);
}

}  // namespace local
