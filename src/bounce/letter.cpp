#include "bounce/letter.h"

#include <fmt/format.h>

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/text.h"

namespace bounce {

namespace {

using queue::RecordType;

constexpr std::size_t kWidth = 79;
constexpr std::size_t kIndent = 4;

// As Postfix: whatever the mail asked for, no byte of its sender stands unquoted that an old system might not take.
std::string quote_as_7bit(std::string_view address) {
  const mail::Split parts = mail::split(address);
  if (base::is_ascii(parts.local)) return mail::quote(address);
  std::string quoted = "\"";
  for (const char c : parts.local) {
    if (static_cast<unsigned char>(c) >= 0x80 || c == '"' || c == '\\' || c == '\r') quoted += '\\';
    quoted += c;
  }
  quoted += '"';
  if (parts.has_at) quoted.append("@").append(parts.domain);
  return quoted;
}

class Writer {
 public:
  Writer(const Sink& sink, const Letter& letter, const client::NoticeRequest& about, const Original& original,
         const Settings& settings, queue::TimeStamp now)
      : sink_(sink),
        letter_(letter),
        about_(about),
        original_(original),
        settings_(settings),
        now_(now.seconds),
        microseconds_(now.microseconds),
        encoding_(settings.eight_bit ? "8bit" : about.encoding),
        global_((about.smtputf8 & queue::smtputf8::kRequested) != 0),
        boundary_(fmt::format("{}.{}/{}", about.queue_id, now.seconds, settings.myhostname)) {}

  void write(const std::string& queue_id) {
    envelope();
    header(queue_id);
    notification();
    report();
    returned_message();
    sink_(RecordType::extracted, "");
  }

 private:
  void line(std::string_view text) { sink_(RecordType::text, text); }
  template <typename... Parts>
  void line(fmt::format_string<Parts...> format, Parts&&... parts) {
    sink_(RecordType::text, fmt::format(format, std::forward<Parts>(parts)...));
  }
  void wrapped(std::string_view text) {
    for (const std::string& piece : mail::wrap(text, kWidth, 0, kIndent)) line(piece);
  }
  bool eight_bit() const { return encoding_ == "8bit"; }
  // Reasons and addresses may be UTF-8 where the template is not; but a template that says otherwise is believed.
  std::string_view charset_of(const Text& text) const {
    return eight_bit() && base::equals_folded(text.charset, "us-ascii") ? "utf-8" : std::string_view(text.charset);
  }

  void envelope() {
    sink_(RecordType::time, fmt::format("{} {}", now_, microseconds_));
    sink_(RecordType::attribute, "log_message_origin=local");
    sink_(RecordType::attribute, "trace_flags=0");
    if (original_.envelope.require_tls && !settings_.redact_require_tls) {
      sink_(RecordType::attribute, fmt::format("{}={}", queue::attribute::kRequireTls, queue::attribute::kYes));
    }
    sink_(RecordType::sender, letter_.sender);
    sink_(RecordType::recipient, letter_.recipient);
    sink_(RecordType::message, "");
  }

  void header(const std::string& queue_id) {
    const Text& text = settings_.text(letter_.kind);
    line("Received: by {} ({})", settings_.myhostname, settings_.mail_name);
    line("\tid {}; {}", queue_id, mail::date(now_));
    line("Date: {}", mail::date(now_));
    line("From: {}", text.from);
    line("Subject: {}", letter_.for_postmaster ? text.postmaster_subject : text.subject);
    line("To: {}", mail::quote(letter_.recipient));
    if (settings_.threaded && !original_.message_id.empty()) {
      line("References: {}", original_.message_id);
      line("In-Reply-To: {}", original_.message_id);
    }
    line("Auto-Submitted: {}", letter_.for_postmaster ? "auto-generated" : "auto-replied");
    line("MIME-Version: 1.0");
    line("Content-Type: multipart/report; report-type=delivery-status;");
    line("\tboundary=\"{}\"", boundary_);
    if (!encoding_.empty()) line("Content-Transfer-Encoding: {}", encoding_);
    line("");
    line("This is a MIME-encapsulated message.");
  }

  void begin_part(std::string_view description, std::string_view type) {
    line("");
    line("--{}", boundary_);
    line("Content-Description: {}", description);
    line("Content-Type: {}", type);
  }
  void say_eight_bit() {
    if (eight_bit()) line("Content-Transfer-Encoding: 8bit");
  }

  void notification() {
    const Text& text = settings_.text(letter_.kind);
    begin_part("Notification", fmt::format("text/plain; charset={}", charset_of(text)));
    say_eight_bit();
    line("");
    if (!letter_.for_postmaster) {
      for (const std::string& each : text.lines) line(each);
    }
    for (const queue::StatusEntry& entry : letter_.entries) {
      line("");
      const std::string expanded = shown_original(entry);
      wrapped(fmt::format("<{}>{}: {}", mail::quote(entry.recipient),
                          expanded.empty() ? "" : fmt::format(" (expanded from <{}>)", expanded), entry.reason));
    }
    if (letter_.entries.empty()) {
      line("");
      line("\t--- Delivery report unavailable ---");
    }
  }

  // The address before rewriting, when it says something that the final one does not.
  static std::string shown_original(const queue::StatusEntry& entry) {
    if (entry.original_recipient.empty() || base::equals_folded(entry.original_recipient, entry.recipient)) return {};
    return mail::quote(entry.original_recipient);
  }

  std::string address_type(std::string_view address) const {
    return about_.smtputf8 != 0 && !base::is_ascii(address) && base::is_valid_utf8(address) ? "utf-8" : "rfc822";
  }

  void report() {
    begin_part("Delivery report", global_ ? "message/global-delivery-status" : "message/delivery-status");
    if (global_) say_eight_bit();
    line("");
    line("Reporting-MTA: dns; {}", settings_.myhostname);
    if (!about_.envelope_id.empty()) line("Original-Envelope-Id: {}", about_.envelope_id);
    line("X-{}-Queue-ID: {}", settings_.field_name, about_.queue_id);
    line("X-{}-Sender: {}; {}", settings_.field_name, address_type(shown_sender()), shown_sender());
    if (original_.envelope.arrival.seconds > 0)
      line("Arrival-Date: {}", mail::date(original_.envelope.arrival.seconds));
    for (const queue::StatusEntry& entry : letter_.entries) report_recipient(entry);
  }

  void report_recipient(const queue::StatusEntry& entry) {
    line("");
    line("Final-Recipient: {}; {}", address_type(entry.recipient), mail::quote(entry.recipient));
    if (!entry.dsn_original.empty()) {
      line("Original-Recipient: {}", entry.dsn_original);
    } else if (!entry.original_recipient.empty()) {
      line("Original-Recipient: {}; {}", address_type(entry.original_recipient), mail::quote(entry.original_recipient));
    }
    line("Action: {}", entry.action);
    line("Status: {}", entry.status);
    if (!entry.mta_type.empty() && !entry.mta_name.empty()) line("Remote-MTA: {}; {}", entry.mta_type, entry.mta_name);
    if (!entry.diagnostic_type.empty() && !entry.diagnostic_text.empty()) {
      wrapped(fmt::format("Diagnostic-Code: {}; {}", entry.diagnostic_type, entry.diagnostic_text));
    } else {
      wrapped(fmt::format("Diagnostic-Code: X-{}; {}", settings_.field_name, entry.reason));
    }
    if (letter_.kind == config::BounceKind::delay && original_.envelope.arrival.seconds > 0) {
      line("Will-Retry-Until: {}", mail::date(original_.envelope.arrival.seconds + settings_.lifetime.count()));
    }
  }

  std::string shown_sender() const {
    if (about_.sender.empty()) return "MAILER-DAEMON@" + settings_.myhostname;
    return quote_as_7bit(about_.sender);
  }

  void returned_message() {
    const bool returned = letter_.kind == config::BounceKind::failure || letter_.kind == config::BounceKind::delay;
    const bool whole = letter_.included == Included::message;
    const std::string description =
        fmt::format("{}{}", returned ? "Undelivered Message" : "Message", whole ? "" : " Headers");
    if (whole) {
      begin_part(description, global_ ? "message/global" : "message/rfc822");
    } else {
      begin_part(description, global_ ? "message/global-headers" : "text/rfc822-headers");
    }
    say_eight_bit();
    line("");
    line("Return-Path: <{}>", shown_sender());
    if (original_.file != nullptr) copy_original(whole);
    line("");
    line("--{}--", boundary_);
  }

  void copy_original(bool whole) {
    auto reader = original_.file->content();
    if (!reader) {
      logging::warning("bounce.unreadable", "{id}: {problem}",
                       {{"id", about_.queue_id}, {"problem", reader.error().text}});
      return;
    }
    bool in_header = true;
    bool open = false;  // the last record ends no line
    for (;;) {
      const auto record = reader->next();
      if (!record) {  // what was read so far is what the reader gets
        logging::warning("bounce.unreadable", "{id}: {problem}",
                         {{"id", about_.queue_id}, {"problem", record.error().text}});
        break;
      }
      if (!*record) break;
      const queue::Record& it = **record;
      if (it.type != RecordType::text && it.type != RecordType::unterminated) {
        if (it.type == RecordType::padding) continue;
        break;
      }
      if (!whole && in_header && !open && !is_header(it.data)) break;
      sink_(it.type, it.data);
      open = it.type == RecordType::unterminated;
    }
    if (open) line("");
  }

  static bool is_header(std::string_view text) {
    if (!text.empty() && (text.front() == ' ' || text.front() == '\t')) return true;
    return mail::header_start(text).has_value();
  }

  const Sink& sink_;
  const Letter& letter_;
  const client::NoticeRequest& about_;
  const Original& original_;
  const Settings& settings_;
  const std::time_t now_;
  const long microseconds_;
  const std::string encoding_;
  const bool global_;
  const std::string boundary_;
};

}  // namespace

std::string find_message_id(queue::MessageFile& file) {
  auto reader = file.content();
  if (!reader) return {};
  std::string id;
  bool collecting = false;
  for (int lines = 0; lines < 10000; ++lines) {
    const auto record = reader->next();
    if (!record || !*record || (*record)->type != RecordType::text) break;
    const std::string_view text = (*record)->data;
    const bool continues = !text.empty() && (text.front() == ' ' || text.front() == '\t');
    if (collecting && continues) {
      id += text;
      continue;
    }
    if (collecting) break;
    if (continues) continue;
    const auto start = mail::header_start(text);
    if (!start) break;
    if (!base::equals_folded(start->name, "Message-Id")) continue;
    id = text.substr(start->value_start);
    collecting = true;
  }
  id = std::string(base::trim(id));
  return id.size() <= 900 ? id : std::string();  // a reference that could not stand on a line is none
}

void write(const Sink& sink, const Letter& letter, const client::NoticeRequest& about, const Original& original,
           const Settings& settings, const std::string& queue_id, queue::TimeStamp now) {
  Writer(sink, letter, about, original, settings, now).write(queue_id);
}

}  // namespace bounce
