#include "pickup/server.h"

#include <unistd.h>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"

namespace pickup {

namespace param = config::param;
namespace flag = client::cleanup_flag;
namespace status = client::cleanup_status;

int cleanup_flags(std::string_view receive_override_options, std::string_view smtputf8_autodetect_classes) {
  int flags = flag::kBounce | flag::kFilter | flag::kBccOk | flag::kMapOk | flag::kMilter;
  for (const std::string_view word : base::split(receive_override_options)) {
    if (base::equals_folded(word, "no_address_mappings"))
      flags &= ~(flag::kBccOk | flag::kMapOk);
    else if (base::equals_folded(word, "no_header_body_checks"))
      flags &= ~flag::kFilter;
    else if (base::equals_folded(word, "no_milters"))
      flags &= ~flag::kMilter;
    else if (!base::equals_folded(word, "no_unknown_recipient_checks"))
      throw base::Fatal("parameter receive_override_options: unknown word \"" + std::string(word) +
                        "\"; use no_address_mappings, no_header_body_checks, no_milters, no_unknown_recipient_checks");
  }
  if (client::detects_utf8(smtputf8_autodetect_classes, "sendmail")) flags |= flag::kAutoUtf8;
  return flags;
}

Server::Server(const service::Context& context)
    : settings_{.content_filter = context.config[param::content_filter],
                .myhostname = context.config[param::myhostname],
                .mail_name = context.config[param::mail_name],
                .line_length_limit = static_cast<std::size_t>(context.config[param::line_length_limit]),
                .external_addresses = context.config[param::info_log_address_format] == "external"},
      cleanup_path_("public/" + context.config[param::cleanup_service_name]),
      ipc_timeout_(context.config[param::ipc_timeout]),
      flags_(cleanup_flags(context.config[param::receive_override_options],
                           context.config[param::smtputf8_autodetect_classes])),
      spool_(queue::SpoolSettings::from(context.config)) {}

// Passes over maildrop until one removes nothing: what comes in meanwhile is seen, too.
void Server::triggered(std::string_view) {
  kept_.clear();
  for (;;) {
    const Pass pass = one_pass();
    if (pass.removed == 0 || !pass.cleanup_is_there) break;
  }
  pool_.drop_idle();
}

Server::Pass Server::one_pass() {
  // The fibers' own, too: they may outlive this call when the process is told to end.
  struct Batch {
    Pass pass;
    io::Semaphore room{kAtOnce};
  };
  const auto batch = std::make_shared<Batch>();
  Pass& pass = batch->pass;
  std::vector<io::FiberHandle> fibers;
  queue::FolderScan scan(spool_, queue::Folder::maildrop);
  while (pass.cleanup_is_there) {
    const auto name = scan.next();
    if (!name) break;
    if (kept_.contains(name->text())) continue;
    // Those inside end at their own deadlines.
    (void)batch->room.acquire(io::Deadline::never());
    fibers.push_back(io::spawn("pickup " + name->text(), [this, batch, id = *name] {
      const io::Permit permit(batch->room);
      try {
        const std::string path = spool_.path(queue::Folder::maildrop, id);
        if (pick_up(path, id) == Fate::removed)
          ++batch->pass.removed;
        else
          kept_.insert(id.text());
      } catch (const io::StreamError& error) {
        // cleanup is not there, or has gone away: the mail waits for the next trigger.
        logging::warning("pickup.cleanup", "{path}: {error}", {{"path", cleanup_path_}, {"error", error.what()}});
        batch->pass.cleanup_is_there = false;
      }
    }));
    std::erase_if(fibers, [](const io::FiberHandle& fiber) { return fiber.done(); });
  }
  for (io::FiberHandle& fiber : fibers) fiber.join();
  return pass;
}

int Server::flags_for(const MaildropFile& file) const {
  return file.requeued ? flags_ & ~(flag::kMilter | flag::kAutoUtf8) : flags_;
}

Server::Fate Server::pick_up(const std::string& path, const queue::Id& name) {
  auto file = open_maildrop_file(path, name, ::geteuid());
  if (!file) {
    logging::warning("pickup.file", "{error}", {{"error", file.error().text}});
    return Fate::kept;
  }
  if (!*file) return Fate::kept;
  client::CleanupClient cleanup(pool_, cleanup_path_, flags_for(**file), io::Deadline::after(ipc_timeout_));
  return hand_over(**file, cleanup);
}

Server::Fate Server::hand_over(const MaildropFile& file, client::CleanupClient& cleanup) {
  const std::string& id = cleanup.id().text();
  const std::time_t now = queue::now().seconds;
  const Dated dated = date_of(file.time, now);
  if (!dated.remark.empty()) logging::warning("pickup.time", "{id}: {remark}", {{"id", id}, {"remark", dated.remark}});

  const auto append = [&cleanup](queue::RecordType type, std::string_view data) { cleanup.append(type, data); };
  const auto told = [&](const Submitter& submitter) {
    if (!submitter.has_sender)
      return logging::warning("pickup.sender", "{id}: uid={uid}: no envelope sender",
                              {{"id", id}, {"uid", static_cast<long>(file.uid)}});
    const std::string from = mail::for_log(submitter.sender, settings_.external_addresses);
    if (file.requeued)
      return logging::info(
          "pickup.message", "{id}: uid={uid} from=<{from}> orig_id={original}",
          {{"id", id}, {"uid", static_cast<long>(file.uid)}, {"from", from}, {"original", file.name.text()}});
    logging::info("pickup.message", "{id}: uid={uid} from=<{from}>",
                  {{"id", id}, {"uid", static_cast<long>(file.uid)}, {"from", from}});
  };
  if (const auto copied = copy_submission(file, settings_, id, dated.time, now, append, told); !copied) {
    logging::warning("pickup.damaged", "{error}", {{"error", copied.error().text}});
    return give_up(file);
  }
  cleanup.set_deadline(io::Deadline::after(ipc_timeout_));
  const client::CleanupResult result = cleanup.finish_without_end();
  if (result.status == status::kOk) return remove(file);
  const std::string why = result.reason.empty() ? std::string(status::meaning_of(result.status).text) : result.reason;
  logging::warning("pickup.refused", "{path}: error writing {id}: {why}",
                   {{"path", file.path}, {"id", id}, {"why", why}});
  // Mail that no later try can make good.
  if ((result.status & (status::kBad | status::kNoRecipients)) != 0) return remove(file);
  return Fate::kept;
}

// A user's file is no mail: it goes. Mail of ours that has been damaged is kept for people to look at.
Server::Fate Server::give_up(const MaildropFile& file) {
  if (!file.requeued) return remove(file);
  const auto moved = spool_.move("pickup.corrupt", file.name, queue::Folder::maildrop, queue::Folder::corrupt);
  if (!moved) {
    logging::warning("pickup.corrupt", "{error}", {{"error", moved.error().text}});
    return Fate::kept;
  }
  logging::warning("pickup.corrupt", "saving corrupt file \"{name}\" from queue \"maildrop\" to queue \"corrupt\"",
                   {{"name", file.name.text()}});
  return Fate::removed;
}

Server::Fate Server::remove(const MaildropFile& file) {
  const auto removed = spool_.remove("pickup.remove", queue::Folder::maildrop, file.name);
  if (removed) return Fate::removed;
  // It would be sent again and again.
  logging::warning("pickup.remove", "{error}", {{"error", removed.error().text}});
  return Fate::kept;
}

}  // namespace pickup
