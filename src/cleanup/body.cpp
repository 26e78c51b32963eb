#include "cleanup/body.h"

#include <algorithm>
#include <cstring>

#include "cleanup/record_view.h"
#include "logging/log.h"
#include "mail/address.h"

namespace cleanup {

using queue::RecordType;

namespace {

bool has_stray_line_end(std::string_view data) {
  return !data.empty() && (std::memchr(data.data(), '\n', data.size()) != nullptr ||
                           std::memchr(data.data(), '\r', data.size()) != nullptr);
}

bool is_text(RecordType type) {
  return type == RecordType::text || type == RecordType::unterminated;
}

void refuse_character(Transaction& message, std::string_view line) {
  constexpr std::string_view kReason = "5.7.1 disallowed character";
  const bool external = message.settings.external_addresses;
  std::string who = "from=<" + mail::for_log(message.sender, external) + ">";
  if (!message.last_recipient.empty()) who += " to=<" + mail::for_log(message.last_recipient, external) + ">";
  if (!message.log_protocol.empty()) who += " proto=" + message.log_protocol;
  if (!message.log_helo.empty()) who += " helo=<" + message.log_helo + ">";
  logging::info("cleanup.reject", "{id}: reject: content {line} from {origin}; {who}: {reason}",
                {{"id", message.id},
                 {"line", line.substr(0, std::min<std::size_t>(200, line.find('\0')))},
                 {"origin", message.origin},
                 {"who", who},
                 {"reason", kReason}});
  message.fail(client::cleanup_status::kContent, kReason);
}

}  // namespace

std::string_view screened(Transaction& message, std::string_view data, std::string& scratch) {
  const Settings& settings = message.settings;
  if (settings.replace_stray_cr_lf && has_stray_line_end(data)) {
    scratch = data;
    for (char& c : scratch)
      if (c == '\r' || c == '\n') c = ' ';
    data = scratch;
  }
  if (!message.filters()) return data;
  if (!settings.stripped_characters.empty() &&
      data.find_first_of(settings.stripped_characters) != std::string_view::npos) {
    std::string kept;
    kept.reserve(data.size());
    for (const char c : data)
      if (!settings.stripped_characters.contains(c)) kept += c;
    scratch = std::move(kept);
    data = scratch;
  }
  if (!settings.rejected_characters.empty() &&
      data.find_first_of(settings.rejected_characters) != std::string_view::npos &&
      (message.status & client::cleanup_status::kContent) == 0)
    refuse_character(message, data);
  return data;
}

bool Body::take_run(std::string_view& records) {
  const Settings& settings = message_.settings;
  const bool look_at_lines =
      message_.filters() && (!settings.rejected_characters.empty() || !settings.stripped_characters.empty());
  if (look_at_lines) return false;
  std::string_view rest = records;
  std::size_t run = 0;
  // Up to the record that is over the limit: the caller looks at the size after each run.
  const std::int64_t limit = settings.message_size_limit;
  const std::size_t room =
      limit <= 0 ? records.size() : static_cast<std::size_t>(std::max<std::int64_t>(0, limit - message_.out.size()));
  while (!rest.empty() && run <= room && is_text(static_cast<RecordType>(rest[0]))) {
    const auto record = take_record(rest);
    if (!record || record->data.size() > settings.line_length_limit ||
        (settings.replace_stray_cr_lf && has_stray_line_end(record->data)))
      break;
    look_at(record->type, record->data);
    run += record->encoded.size();
  }
  if (run == 0) return false;
  message_.out.append_encoded(records.substr(0, run));
  records.remove_prefix(run);
  return true;
}

void Body::look_at(RecordType type, std::string_view data) {
  last_goes_on_ = type == RecordType::unterminated;
  if (mime_.wants(data))
    mime_.take(last_goes_on_, data);
  else
    mime_.passed(last_goes_on_);
}

void Body::take(RecordType type, std::string_view data) {
  look_at(type, data);
  // As every other line: no reader of the queue needs to expect longer ones.
  for (; data.size() > message_.settings.line_length_limit; data.remove_prefix(message_.settings.line_length_limit))
    message_.out.append(RecordType::unterminated, data.substr(0, message_.settings.line_length_limit));
  message_.out.append(type, data);
}

void Body::end() {
  if (last_goes_on_) message_.out.append(RecordType::text, {});
}

}  // namespace cleanup
