#include "postdrop/postdrop.h"

#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/file.h"
#include "command/command.h"
#include "command/interrupt.h"
#include "command/open_logging.h"
#include "config/config.h"
#include "config/param.h"
#include "ipc/attributes.h"
#include "ipc/trigger.h"
#include "logging/log.h"
#include "postdrop/sender_policy.h"
#include "queue/maildrop.h"

namespace postdrop {

namespace {

namespace param = config::param;

constexpr std::string_view kUsage = "usage: postdrop [-c config_dir] [-v]";

// What the caller is told; the bits are cleanup's.
enum class Status : unsigned { done = 0, malformed = 1, write_error = 2, too_large = 4, not_permitted = 512 };

void tell(std::string_view answer) {
  // Without somebody who reads it nothing is lost: what is committed is committed.
  (void)base::write_fully(STDOUT_FILENO, answer, "standard output");
}

int answer(Status status, std::string_view reason = "") {
  tell(ipc::encode_attributes(
      {{"status", std::to_string(static_cast<unsigned>(status))}, {"reason", std::string(reason)}}));
  switch (status) {
    case Status::done:
      return 0;
    case Status::not_permitted:
      return EX_NOPERM;
    case Status::malformed:
    case Status::write_error:
    case Status::too_large:
      break;
  }
  return static_cast<int>(status);
}

void wake_pickup(const config::Config& config) {
  const std::string path = "public/" + config[param::pickup_service_name];
  if (::eaccess(path.c_str(), F_OK) != 0) {  // not access: set-gid is what lets us look there
    logging::warning("postdrop.no_pickup", "unable to look up {reason}", {{"reason", base::with_errno(path, errno)}});
    return;
  }
  // The mail is safe; pickup looks by itself every minute.
  (void)ipc::send_trigger(path, "W", io::Deadline::after(config[param::trigger_timeout]));
}

// The records on standard input.
class Input {
 public:
  explicit Input(std::size_t longest) : decoder_(longest) {}

  // Nothing: the caller has gone away before the end of the message, and wants none of it.
  std::optional<queue::Record> next() {
    while (true) {
      auto record = decoder_.next();
      if (!record) throw base::Fatal(malformed(record.error().text));
      if (*record) return *record;
      char bytes[16 * 1024];
      const ssize_t got = ::read(STDIN_FILENO, bytes, sizeof bytes);
      if (got < 0 && errno == EINTR && command::interrupted() == 0) continue;
      if (got < 0) throw base::Fatal(base::with_errno("read standard input", errno));
      if (got == 0 && decoder_.empty()) return std::nullopt;
      if (got == 0) throw base::Fatal(malformed("unexpected end of input within a record"));
      decoder_.feed({bytes, static_cast<std::size_t>(got)});
    }
  }

 private:
  static std::string malformed(std::string_view what) {
    return fmt::format("uid={}: malformed input: {}", ::getuid(), what);
  }

  queue::RecordDecoder decoder_;
};

int fail(const queue::SubmissionError& error) {
  using Kind = queue::SubmissionError::Kind;
  switch (error.kind) {
    case Kind::malformed:
      throw base::Fatal(fmt::format("uid={}: {}", ::getuid(), error.text));
    case Kind::incomplete:
      logging::warning("postdrop.incomplete", "uid={uid}: {reason}", {{"uid", ::getuid()}, {"reason", error.text}});
      return answer(Status::malformed);
    case Kind::too_large:
      logging::warning("postdrop.too_large", "uid={uid}: {reason}", {{"uid", ::getuid()}, {"reason", error.text}});
      return answer(Status::too_large);
    case Kind::disk:
      break;
  }
  logging::warning("postdrop.disk", "uid={uid}: {reason}", {{"uid", ::getuid()}, {"reason", error.text}});
  return answer(Status::write_error);
}

int receive(const config::Config& config, const Login& login) {
  const SenderPolicy policy(config);
  const queue::Spool spool(queue::SpoolSettings::from(config));
  const auto limits = queue::MaildropMessage::Limits::from(config);
  auto message = queue::MaildropMessage::create(spool, limits);
  const std::string id = message ? std::string(message->id().text()) : "";
  tell(ipc::encode_attributes({{"protocol", "postdrop_protocol"}, {"queue_id", id}}));
  if (!message) return fail(message.error());

  Input input(limits.line_length);
  while (!message->ended()) {
    const auto record = input.next();
    if (!record) return 0;
    if (record->type == queue::RecordType::sender) {
      const auto allowed = policy.allows(login, record->data);
      if (!allowed) throw base::Fatal(allowed.error().text);
      if (!*allowed) {
        const std::string reason = fmt::format("not authorized to use sender='{}'", record->data);
        logging::warning("postdrop.sender_refused", "uid={uid}: {reason}", {{"uid", login.uid}, {"reason", reason}});
        return answer(Status::not_permitted, reason);
      }
    }
    if (const auto taken = message->take(record->type, record->data); !taken) return fail(taken.error());
  }
  if (command::interrupted() != 0) throw base::Fatal("interrupted");
  if (const auto committed = message->commit(); !committed) return fail(committed.error());
  wake_pickup(config);
  return answer(Status::done);
}

}  // namespace

int run(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:rv", kUsage);
  if (!line.operands.empty()) throw base::Fatal(std::string(kUsage));
  config::Source source;
  source.process_name = "postdrop";
  for (const auto& option : line.options) {
    if (option.letter == 'c') source.directory = option.argument;
    // What is logged then is not for the users of a set-gid program.
    if (option.letter == 'v' && ::geteuid() == 0) logging::set_verbosity(logging::verbosity() + 1);
  }
  const auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  config->import_environment();
  command::open_logging(*config, "postdrop");
  const std::string& directory = (*config)[param::queue_directory];
  if (::chdir(directory.c_str()) != 0) throw base::Fatal(base::with_errno("chdir " + directory, errno));

  const Login login = login_of(::getuid());
  if (!may_submit(*config, login)) {
    logging::fatal("postdrop.not_allowed", "User {login}({uid}) is not allowed to submit mail",
                   {{"login", login.name}, {"uid", login.uid}});
    return EX_NOPERM;
  }
  command::catch_interrupts();
  return receive(*config, login);
}

}  // namespace postdrop
