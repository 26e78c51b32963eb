#include "sendmail/submission.h"

#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "client/postdrop_client.h"
#include "command/interrupt.h"
#include "config/param.h"
#include "ipc/trigger.h"
#include "logging/log.h"
#include "queue/maildrop.h"

namespace sendmail {

namespace {

namespace param = config::param;

constexpr auto kPatience = std::chrono::hours(1);  // postdrop waits for nobody but the disk

client::PostdropClient::Options postdrop_of(const config::Config& config) {
  client::PostdropClient::Options options;
  options.program = config[param::command_directory] + "/postdrop";
  options.patience = kPatience;
  options.interrupted = [] { return command::interrupted() != 0; };
  return options;
}

// Refusing somebody takes tables, and rights that this program does not have: postdrop does it.
bool everybody_may_submit(const config::Config& config) {
  return config[param::authorized_submit_users] == "static:anyone";
}

bool everybody_may_send_as_anybody(const config::Config& config) {
  return everybody_may_submit(config) && config[param::local_login_sender_maps] == "static:*";
}

// Only for who the file will belong to anyway: root, the owner of the queue.
bool may_write_maildrop() {
  if (::getuid() != ::geteuid() || ::getgid() != ::getegid()) return false;
  struct stat status{};
  if (::stat("maildrop", &status) != 0 || !S_ISDIR(status.st_mode)) return false;
  return ::geteuid() == 0 || (status.st_uid == ::geteuid() && ::access("maildrop", W_OK | X_OK) == 0);
}

void wake_pickup(const config::Config& config) {
  const std::string path = "public/" + config[param::pickup_service_name];
  if (::access(path.c_str(), F_OK) != 0) {
    logging::warning("sendmail.no_pickup", "unable to look up {reason}", {{"reason", base::with_errno(path, errno)}});
    return;
  }
  // The mail is safe; pickup looks by itself every minute.
  (void)ipc::send_trigger(path, "W", io::Deadline::after(config[param::trigger_timeout]));
}

class OwnFile final : public Submission {
 public:
  OwnFile(const config::Config& config, std::string who)
      : config_(config), who_(std::move(who)), spool_(queue::SpoolSettings::from(config)) {
    auto message = queue::MaildropMessage::create(spool_, queue::MaildropMessage::Limits::from(config));
    if (!message) fail(message.error());
    message_.emplace(std::move(*message));
  }

  void put(queue::RecordType type, std::string_view data) override {
    if (const auto taken = message_->take(type, data); !taken) fail(taken.error());
  }

  void commit() override {
    if (const auto committed = message_->commit(); !committed) fail(committed.error());
    wake_pickup(config_);
  }

 private:
  [[noreturn]] void fail(const queue::SubmissionError& error) const {
    using Kind = queue::SubmissionError::Kind;
    if (error.kind != Kind::too_large) {
      logging::warning("sendmail.refused", "{reason}", {{"reason", error.text}});
    }
    switch (error.kind) {
      case Kind::too_large:
        throw base::Fatal(who_ + ": message file too big");
      case Kind::disk:
        throw base::Fatal(who_ + ": queue file write error");
      case Kind::malformed:
      case Kind::incomplete:
        break;
    }
    throw base::Fatal(who_ + ": internal protocol error");
  }

  const config::Config& config_;
  std::string who_;
  queue::Spool spool_;
  std::optional<queue::MaildropMessage> message_;
};

class ByPostdrop final : public Submission {
 public:
  ByPostdrop(const config::Config& config, std::string who) : who_(std::move(who)) {
    attempt([&] { postdrop_ = std::make_unique<client::PostdropClient>(postdrop_of(config)); });
  }

  void put(queue::RecordType type, std::string_view data) override {
    attempt([&] {
      if (!postdrop_->put(type, data)) finish();
    });
  }
  void commit() override {
    attempt([&] { finish(); });
  }

 private:
  void finish() {
    const auto result = postdrop_->finish();
    if (result.status == client::cleanup_status::kOk) return;
    const std::string_view meaning = client::cleanup_status::meaning_of(result.status).text;
    throw base::Fatal(fmt::format("{}: {}", who_, result.reason.empty() ? meaning : result.reason));
  }

  void attempt(const auto& step) const {
    using Why = client::PostdropError::Why;
    try {
      step();
    } catch (const client::PostdropError& error) {
      const bool plain = error.why() != Why::malformed && error.why() != Why::gone;
      throw base::Fatal(plain ? error.what() : fmt::format("{}: {}", who_, error.what()));
    }
  }

  std::string who_;
  std::unique_ptr<client::PostdropClient> postdrop_;
};

}  // namespace

void require_submitter(const config::Config& config) {
  if (everybody_may_submit(config)) return;
  try {
    if (const auto refusal = client::refusal_by_postdrop(postdrop_of(config))) throw base::Fatal(*refusal);
  } catch (const client::PostdropError& error) {
    throw base::Fatal(error.what());
  }
}

std::unique_ptr<Submission> begin_submission(const config::Config& config, const std::string& who) {
  if (everybody_may_send_as_anybody(config) && may_write_maildrop()) {
    return std::make_unique<OwnFile>(config, who);
  }
  return std::make_unique<ByPostdrop>(config, who);
}

}  // namespace sendmail
