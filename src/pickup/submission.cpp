#include "pickup/submission.h"

#include <fmt/format.h>

#include "mail/text.h"

namespace pickup {

using queue::RecordType;

namespace {

constexpr std::time_t kHour = 3600;
constexpr std::time_t kDay = 24 * kHour;

// Reads a segment's records and says why one may not be there.
class Source {
 public:
  Source(const MaildropFile& file, std::size_t largest)
      : file_(file),
        largest_(largest),
        // A user's file has no pointers: they could make a short file endless.
        reader_(file.fd.get(), file.path, 0,
                file.requeued ? queue::RecordReader::Pointers::follow : queue::RecordReader::Pointers::show) {}

  std::expected<queue::Record, base::Error> next(queue::Segment segment) {
    for (;;) {
      auto record = reader_.next();
      if (!record) return refuse(record.error().text);
      if (!*record) return refuse(fmt::format("{}: the file ends before its end record", file_.path));
      const RecordType type = (*record)->type;
      if (!file_.requeued && (*record)->data.size() > largest_)
        return refuse(
            fmt::format("{}: illegal length {}, record type {}", file_.path, (*record)->data.size(), letter(type)));
      if (type == RecordType::padding) continue;
      if (type == RecordType::pointer && queue::parse_number((*record)->data) == 0) continue;
      if (type == RecordType::pointer || !queue::belongs_in(segment, type))
        return refuse(fmt::format("uid={}: unexpected or malformed record type {}", file_.uid, letter(type)));
      return **record;
    }
  }

 private:
  static int letter(RecordType type) { return static_cast<unsigned char>(type); }
  std::unexpected<base::Error> refuse(std::string text) const { return std::unexpected(base::Error{std::move(text)}); }

  const MaildropFile& file_;
  std::size_t largest_;
  queue::RecordReader reader_;
};

bool is_attribute_of_recipient_or_time(std::string_view data) {
  const std::string_view name = data.substr(0, data.find('='));
  return name == "notify_flags" || name == "dsn_orig_rcpt" || name == "envelope_id" || name == "ret_flags" ||
         name == "create_time";
}

std::expected<void, base::Error> copy_envelope(Source& source, const SubmissionSettings& settings, std::time_t now,
                                               const Append& append, Submitter& submitter) {
  // Which filter a message goes through is decided when it comes in; what an earlier life of it says does not count.
  if (!settings.content_filter.empty()) append(RecordType::filter, settings.content_filter);
  bool has_time = false;
  for (;;) {
    const auto record = source.next(queue::Segment::envelope);
    if (!record) return std::unexpected(record.error());
    const auto [type, data, offset] = *record;
    if (type == RecordType::message) return {};
    if (type == RecordType::filter || type == RecordType::done || type == RecordType::canceled) {
      // A done recipient uses up what stands before it: cleanup is to see it, too.
      if (type != RecordType::filter) append(type, data);
      continue;
    }
    if (type == RecordType::time) has_time = true;
    if (!has_time && (type == RecordType::sender || type == RecordType::recipient)) {
      append(RecordType::time, std::to_string(now));
      has_time = true;
    }
    if (type == RecordType::sender) {
      submitter.has_sender = true;
      submitter.sender = data;
    }
    append(type, data);
  }
}

std::expected<void, base::Error> copy_content(Source& source, const Append& append) {
  for (bool first = true;; first = false) {
    const auto record = source.next(queue::Segment::content);
    if (!record) return std::unexpected(record.error());
    const auto [type, data, offset] = *record;
    if (type == RecordType::extracted) return {};
    // A first line that begins with a blank would become part of the header above it.
    if (first && !data.empty() && (data[0] == ' ' || data[0] == '\t')) append(RecordType::text, {});
    append(type, data);
  }
}

// What cleanup found out the last time it finds out again, and actions of the last time are over.
std::expected<void, base::Error> copy_extracted(Source& source, const Append& append) {
  for (;;) {
    const auto record = source.next(queue::Segment::extracted);
    if (!record) return std::unexpected(record.error());
    const auto [type, data, offset] = *record;
    if (type == RecordType::end) return {};
    if (type == RecordType::filter || type == RecordType::redirect || type == RecordType::return_receipt ||
        type == RecordType::errors_to)
      continue;
    if (type == RecordType::attribute && !is_attribute_of_recipient_or_time(data)) continue;
    append(type, data);
  }
}

}  // namespace

Dated date_of(std::time_t file_time, std::time_t now) {
  if (file_time > now + 2 * kHour)
    return {now, fmt::format("message dated {} seconds into the future", file_time - now)};
  if (file_time < now - kDay)
    return {file_time, fmt::format("message has been queued for {} days", (now - file_time) / kDay)};
  return {file_time, {}};
}

std::expected<void, base::Error> copy_submission(const MaildropFile& file, const SubmissionSettings& settings,
                                                 std::string_view queue_id, std::time_t date, std::time_t now,
                                                 const Append& append, const EndOfEnvelope& end_of_envelope) {
  Source source(file, settings.line_length_limit);
  Submitter submitter;
  if (auto copied = copy_envelope(source, settings, now, append, submitter); !copied) return copied;
  end_of_envelope(submitter);
  append(RecordType::message, {});
  append(RecordType::text,
         fmt::format("Received: by {} ({}, from userid {})", settings.myhostname, settings.mail_name, file.uid));
  append(RecordType::text, fmt::format("\tid {}; {}", queue_id, mail::date(date)));
  if (auto copied = copy_content(source, append); !copied) return copied;
  append(RecordType::extracted, {});
  if (auto copied = copy_extracted(source, append); !copied) return copied;
  append(RecordType::end, {});
  return {};
}

}  // namespace pickup
