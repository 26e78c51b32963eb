#include "delivery/mailbox.h"

#include <fmt/format.h>
#include <sys/utsname.h>

#include <cerrno>

#include "base/text.h"
#include "config/param.h"

namespace delivery {

namespace {

// This host's own name, made fit for the name of a maildir file.
std::string host_name() {
  utsname names{};
  std::string_view name = ::uname(&names) == 0 ? names.nodename : "localhost";
  std::string fit;
  for (const char c : name) {
    if (c == '/') {
      fit += "\\057";
    } else if (c == ':') {
      fit += "\\072";
    } else if (base::is_printable(c) && c != ' ') {
      fit += c;
    }
  }
  return fit.empty() ? "localhost" : fit;
}

}  // namespace

LockMethods LockMethods::parse(std::string_view parameter, std::string_view value) {
  LockMethods methods;
  for (const std::string_view word : base::split(value)) {
    if (word == "dotlock") {
      methods.dotlock = true;
    } else if (word == "fcntl") {
      methods.fcntl = true;
    } else if (word == "flock") {
      methods.flock = true;
    } else {
      throw config::BadValue(fmt::format(
          "parameter {}: unknown locking method \"{}\"; known are fcntl, flock and dotlock", parameter, word));
    }
  }
  return methods;
}

void MailboxSettings::set_size_limit(const config::Config& config, std::string_view parameter, std::int64_t limit) {
  const std::int64_t message_limit = config[config::param::message_size_limit];
  if (limit > 0 && (message_limit == 0 || limit < message_limit)) {
    throw config::BadValue(fmt::format("main.cf configuration error: {} {} is smaller than message_size_limit {}",
                                       parameter, limit, message_limit));
  }
  size_limit = limit;
}

MailboxSettings MailboxSettings::from(const config::Config& config) {
  namespace param = config::param;
  MailboxSettings settings;
  settings.lock_attempts = config[param::deliver_lock_attempts];
  settings.lock_delay = config[param::deliver_lock_delay];
  settings.stale_lock = config[param::stale_lock_time];
  settings.strict_ownership = config[param::strict_mailbox_ownership];
  settings.host = host_name();
  return settings;
}

Outcome failure(const MailboxError& error, std::string reason) {
  Status status;
  status.reason = std::move(reason);
  if (error.number == EFBIG || error.number == EDQUOT) {
    status.code = "5.2.2";
    status.diagnostic_type = "x-unix";
    status.diagnostic_text = "input/output error";
    return Bounced{std::move(status)};
  }
  constexpr int kSystem[] = {ENOSPC, EIO, EMFILE, ENFILE, ENOMEM, EROFS};
  const bool system = std::ranges::find(kSystem, error.number) != std::end(kSystem);
  status.code = system ? "4.3.0" : "4.2.0";
  return Deferred{std::move(status)};
}

Sent success(MailboxForm form, bool only_asked) {
  const std::string_view verb = only_asked ? "delivers" : "delivered";
  const std::string_view what = form == MailboxForm::maildir ? "maildir" : "mailbox";
  Sent sent;
  sent.status.code = "2.0.0";
  sent.status.reason = fmt::format("{} to {}", verb, what);
  return sent;
}

std::string maildir_name(const Request& request, const RequestRecipient& recipient, std::string_view host) {
  constexpr std::int64_t kSecond = 1'000'000;
  return fmt::format("{}.M{}Q{}R{:x}.{}", request.times.arrival / kSecond, request.times.arrival % kSecond,
                     request.queue_id, recipient.offset, host);
}

}  // namespace delivery
