#include "smtpd/transcript.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/text.h"
#include "config/from_header.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/text.h"
#include "queue/id.h"
#include "smtpd/command_line.h"
#include "smtpd/reply.h"
#include "smtpd/session.h"
#include "smtpd/settings.h"
#include "smtpd/shared.h"

namespace smtpd {

namespace param = config::param;
namespace flag = client::cleanup_flag;
using queue::RecordType;

namespace {

// What a session may cost: a client can say as much as it likes. Of a longer transcript the end is kept.
constexpr std::size_t kMostBytes = 32 * 1024;
constexpr std::size_t kLongestLine = 2048;
constexpr std::string_view kHidden = "(not shown)";

constexpr std::size_t kWidth = 79;
constexpr std::size_t kIndent = 1;
constexpr std::size_t kIndentOfRest = 5;

Faults classes_of(const config::Config& config) {
  Faults result;
  for (const std::string_view word : base::split(config[param::notify_classes])) {
    const auto is = [word](std::string_view name) { return base::equals_folded(word, name); };
    if (is("policy"))
      result.add(Fault::policy);
    else if (is("protocol"))
      result.add(Fault::protocol);
    else if (is("resource"))
      result.add(Fault::resource);
    else if (is("software"))
      result.add(Fault::software);
    else if (is("data"))
      result.add(Fault::data);
    else if (is("bounce"))
      result.add(Fault::bounce);
    else if (!is("2bounce") && !is("delay"))  // no trouble of a session
      throw base::Fatal(
          fmt::format("parameter notify_classes: unknown word \"{}\"; use bounce, 2bounce, data, delay, policy, "
                      "protocol, resource, software",
                      word));
  }
  return result;
}

bool filters_notices(const config::Config& config) {
  for (const std::string_view word : base::split(config[param::internal_mail_filter_classes]))
    if (base::equals_folded(word, "notify")) return true;
  return false;
}

}  // namespace

Fault fault_of(restrictions::Trouble trouble) {
  switch (trouble) {
    case restrictions::Trouble::policy:
      return Fault::policy;
    case restrictions::Trouble::bounce:
      return Fault::bounce;
    case restrictions::Trouble::resource:
      return Fault::resource;
    case restrictions::Trouble::software:
      return Fault::software;
    case restrictions::Trouble::data:
      return Fault::data;
  }
  return Fault::software;
}

NoticeSettings::NoticeSettings(const config::Config& config)
    : wanted(classes_of(config)),
      recipient(config[param::error_notice_recipient]),
      bounce_recipient(config[param::bounce_notice_recipient]),
      sender(fmt::format("{}@{}", config[param::double_bounce_sender], config[param::myhostname])),
      from(config::sender_of_notices("MAILER-DAEMON@" + config[param::myhostname], config::names_are_comments(config))),
      flush_threshold(static_cast<std::size_t>(config[param::smtpd_history_flush_threshold])),
      filtered(filters_notices(config)) {}

void Transcript::heard(const CommandLine& line, std::string_view typed) {
  if (!recording_) return;
  const auto is_auth = [](std::string_view text) { return base::equals_folded(text.substr(0, 4), "AUTH"); };
  if (is_auth(line.verb) || is_auth(base::trim(typed))) {
    // A client that does not wait may go on with its secret, whatever was answered.
    after_auth_ = true;
    const bool has_mechanism = line.verb == "AUTH" && !line.words.empty();
    const std::string_view more = line.verb == "AUTH" && line.words.size() < 2 ? "" : kHidden;
    const std::string shown = has_mechanism ? fmt::format("AUTH {} {}", line.words[0], more)
                                            : fmt::format("{} {}", line.verb.substr(0, line.verb.find('=')), more);
    return record("In:  ", base::trim_right(shown));
  }
  if (after_auth_ && command_named(line.verb).verb.empty()) return heard_secret();
  after_auth_ = false;
  record("In:  ", typed);
}

void Transcript::heard_secret() {
  record("In:  ", kHidden);
}

void Transcript::said(std::string_view on_the_wire) {
  if (!recording_) return;
  while (!on_the_wire.empty()) {
    const std::size_t end = on_the_wire.find("\r\n");
    record("Out: ", on_the_wire.substr(0, end));
    on_the_wire.remove_prefix(end == std::string_view::npos ? on_the_wire.size() : end + 2);
  }
}

void Transcript::record(std::string_view who, std::string_view line) {
  if (!recording_) return;
  text_ += who;
  text_ += base::printable(line.substr(0, kLongestLine));
  text_ += '\n';
  ++lines_;
  if (text_.size() <= kMostBytes) return;
  const std::size_t end = text_.find('\n', text_.size() / 2);
  const auto gone = std::count(text_.begin(), text_.begin() + static_cast<std::ptrdiff_t>(end) + 1, '\n');
  text_.erase(0, end + 1);
  dropped_ += static_cast<std::size_t>(gone);
}

void Transcript::begin_anew(Session& session) {
  if (lines_ > session.settings().notices.flush_threshold) finish(session);
}

void Transcript::finish(Session& session) {
  if (!recording_) return;
  const NoticeSettings& settings = session.settings().notices;
  if (lines_ > 0 && faults_.any_of(settings.wanted)) {
    try {
      post(session);
    } catch (const std::exception& error) {  // StreamError of a cleanup that is not there
      logging::warning("smtpd.notice", "postmaster notify: {error}", {{"error", error.what()}});
    }
  }
  faults_.clear();
  text_ = {};
  lines_ = dropped_ = 0;
}

void Transcript::post(Session& session) const {
  const Settings& settings = session.settings();
  const NoticeSettings& notices = settings.notices;
  const int flags = flag::kMapOk | (notices.filtered ? flag::kFilter | flag::kMilter : 0);
  const auto message = session.shared.parts().sink->begin(flags);
  const auto line = [&message](std::string_view text) { message->append(RecordType::text, text); };
  const auto wrapped = [&line](std::string_view text) {
    for (const std::string& piece : mail::wrap(text, kWidth, kIndent, kIndentOfRest)) line(piece);
  };
  const queue::TimeStamp now = queue::now();
  const std::string date = mail::date(now.seconds);

  message->append(RecordType::time, fmt::format("{} {}", now.seconds, now.microseconds));
  message->append(RecordType::attribute, "log_message_origin=local");
  message->append(RecordType::attribute, "trace_flags=0");
  message->append(RecordType::sender, notices.sender);
  message->append(RecordType::recipient, faults_.has(Fault::bounce) ? notices.bounce_recipient : notices.recipient);
  message->append(RecordType::message, {});
  line(fmt::format("Received: by {} ({})", settings.myhostname, settings.mail_name));
  line(fmt::format("\tid {}; {}", message->queue_id(), date));
  line("Date: " + date);
  line("From: " + notices.from);
  line(fmt::format("To: Postmaster <{}>", mail::quote(notices.recipient)));
  line(fmt::format("Subject: {} SMTP server: errors from {}", settings.mail_name, session.client_label()));
  line("");
  line("Transcript of session follows.");
  line("");
  if (dropped_ > 0) wrapped(fmt::format("({} lines are not shown)", dropped_));
  for (const std::string_view each : base::split(text_, "\n")) wrapped(each);
  line("");
  if (!reason_.empty()) line(fmt::format("Session aborted, reason: {}", reason_));
  line("");
  line("For other details, see the local mail logfile");
  message->append(RecordType::extracted, {});
  const client::CleanupResult result = message->finish();
  if (result.status != client::cleanup_status::kOk)
    throw std::runtime_error(result.reason.empty() ? std::string(client::cleanup_status::meaning_of(result.status).text)
                                                   : result.reason);
}

}  // namespace smtpd
