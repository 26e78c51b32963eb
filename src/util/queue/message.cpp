#include "queue/message.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <utility>

#include "base/text.h"
#include "queue/steps.h"

namespace queue {

namespace {

constexpr int kColumns = 15;
// Hints of which we know what they mean: mixed, and the four notify flags.
constexpr int kKnownHints = 0x1f;
constexpr int kMixed = 1;
// Without the hint, too, attributes and VERP delimiters may follow recipients: those that sender_bcc_maps add, which
// stand right behind the sender, one and what aliases make of it. So many recipients are looked through for them.
constexpr int kLookedThrough = 2000;

// Bounds for what one message's envelope may cost in memory.
constexpr std::size_t kMostAttributes = 1000;
constexpr std::size_t kMostAttributeBytes = std::size_t{4} * 1024 * 1024;

// A named attribute, or the record letter that means the same.
struct Attribute {
  std::string_view name;
  std::string_view value;
};

struct SameMeaning {
  RecordType type;
  std::string_view name;
};
constexpr std::array kAttributeLetters = {SameMeaning{RecordType::create_time, "create_time"},
                                          SameMeaning{RecordType::dsn_return, "ret_flags"},
                                          SameMeaning{RecordType::dsn_envelope_id, "envelope_id"},
                                          SameMeaning{RecordType::dsn_original_recipient, "dsn_orig_rcpt"},
                                          SameMeaning{RecordType::dsn_notify, "notify_flags"}};

bool is_attribute(RecordType type) {
  return type == RecordType::attribute ||
         std::ranges::find(kAttributeLetters, type, &SameMeaning::type) != kAttributeLetters.end();
}

std::optional<Attribute> attribute_of(const Record& record) {
  for (const auto& [type, name] : kAttributeLetters) {
    if (record.type == type) return Attribute{name, record.data};
  }
  const auto equals = record.data.find('=');
  if (record.type != RecordType::attribute || equals == std::string_view::npos) return std::nullopt;
  return Attribute{base::trim(record.data.substr(0, equals)), base::trim_left(record.data.substr(equals + 1))};
}

bool is_recipient(RecordType type) {
  return type == RecordType::recipient || type == RecordType::done || type == RecordType::canceled;
}

bool is_of_recipient(std::string_view attribute_name) {
  return attribute_name == "dsn_orig_rcpt" || attribute_name == "notify_flags";
}

BadRecord damage(const std::string& name, const Record& record, std::string_view what) {
  return {fmt::format("{}: record at offset {}: {}", name, record.offset, what)};
}

std::optional<int> parse_flags(std::string_view text) {
  const auto number = parse_number(text);
  if (!number || *number < 0 || *number > INT32_MAX) return std::nullopt;
  return static_cast<int>(*number);
}

std::optional<TimeStamp> parse_time(std::string_view text) {
  const auto parts = base::split(text, base::kBlanks);
  if (parts.empty() || parts.size() > 2) return std::nullopt;
  const auto seconds = parse_number(parts[0]);
  const auto microseconds = parts.size() == 2 ? parse_number(parts[1]) : 0;
  if (!seconds || *seconds < 0 || !microseconds || *microseconds < 0 || *microseconds > 999'999) return std::nullopt;
  return TimeStamp{*seconds, static_cast<long>(*microseconds)};
}

// Puts an envelope together, record by record.
class EnvelopeParser {
 public:
  EnvelopeParser(Envelope& envelope, const std::string& name) : envelope_(envelope), name_(name) {}

  std::expected<void, BadRecord> take(const Record& record) {
    if (is_attribute(record.type)) return attribute(record);
    if (record.type == RecordType::time) return arrival(record);
    if (record.type == RecordType::warning_time) return warning(record);
    if (record.type == RecordType::sender) {
      if (!std::exchange(has_sender_, true)) envelope_.sender = record.data;
    } else if (record.type == RecordType::full_name) {
      if (envelope_.full_name.empty()) envelope_.full_name = record.data;
    } else if (record.type == RecordType::filter) {
      envelope_.filter = record.data;
    } else if (record.type == RecordType::redirect) {
      envelope_.redirect = record.data;
    } else if (record.type == RecordType::verp_delimiters) {
      envelope_.verp_delimiters = record.data;
    }
    return {};  // the rest are recipients and their parts, killed records, and letters without a meaning by now
  }

  std::expected<void, BadRecord> finish() {
    if (!has_arrival_) return std::unexpected(BadRecord{fmt::format("{}: no message arrival time", name_)});
    if (!has_sender_) return std::unexpected(BadRecord{fmt::format("{}: no sender", name_)});
    if (envelope_.create_time == 0) envelope_.create_time = envelope_.arrival.seconds;
    fill_client();
    return {};
  }

 private:
  std::expected<void, BadRecord> arrival(const Record& record) {
    if (has_arrival_) return {};
    const auto time = parse_time(record.data);
    if (!time) return std::unexpected(damage(name_, record, "malformed message arrival time"));
    envelope_.arrival = *time;
    has_arrival_ = true;
    return {};
  }

  std::expected<void, BadRecord> warning(const Record& record) {
    const auto time = parse_number(record.data);
    if (!time) return std::unexpected(damage(name_, record, "malformed warning time"));
    // In any other width it could not be replaced in place by "sent", and would be sent again and again.
    if (record.data.size() != kColumns) return {};
    envelope_.warning_time = *time < 0 ? -1 : static_cast<std::time_t>(*time);
    envelope_.warning_offset = record.offset + 2;
    return {};
  }

  std::expected<void, BadRecord> attribute(const Record& record) {
    const auto found = attribute_of(record);
    if (!found || found->name.empty()) return std::unexpected(damage(name_, record, "malformed attribute"));
    const std::string_view name = found->name;
    const std::string_view value = found->value;
    if (is_of_recipient(name)) return {};
    bytes_ += name.size() + value.size();
    if (envelope_.attributes.size() >= kMostAttributes || bytes_ > kMostAttributeBytes) {
      return std::unexpected(damage(name_, record, "too many attributes"));
    }
    envelope_.attributes.insert_or_assign(std::string(name), std::string(value));

    const auto flags = [&]() -> std::expected<int, BadRecord> {
      const auto parsed = parse_flags(value);
      if (!parsed) return std::unexpected(damage(name_, record, fmt::format("malformed {}", name)));
      return *parsed;
    };
    if (name == "encoding") {
      envelope_.encoding = value;
    } else if (name == "envelope_id") {
      envelope_.envelope_id = value;
    } else if (name == "ret_flags") {
      const auto parsed = flags();
      if (!parsed) return std::unexpected(parsed.error());
      envelope_.return_flags = *parsed;
    } else if (name == attribute::kRequireTls) {
      envelope_.require_tls = value == attribute::kYes;
    } else if (name == "trace_flags") {
      const auto parsed = flags();
      if (!parsed) return std::unexpected(parsed.error());
      envelope_.trace_flags = *parsed;
      envelope_.trace_flags_offset = record.offset;
    } else if (name == "create_time") {
      const auto time = parse_number(value);
      if (!time || *time < 0) return std::unexpected(damage(name_, record, "malformed create_time"));
      envelope_.create_time = *time;
    }
    return {};
  }

  void fill_client() {
    const auto value = [this](std::string_view name) {
      const auto found = envelope_.attributes.find(std::string(name));
      return found == envelope_.attributes.end() ? std::string() : found->second;
    };
    Client& client = envelope_.log_client;
    client.name = value("log_client_name");
    client.address = value("log_client_address");
    client.port = value("log_client_port");
    client.protocol = value("log_protocol_name");
    client.helo = value("log_helo_name");
    // Files from before the log had names of its own.
    if (client.name.empty() && client.address.empty() && !envelope_.attributes.contains("log_message_origin")) {
      client.name = value("client_name");
      client.address = value("client_address");
      client.port = value("client_port");
      client.protocol = value("protocol_name");
      client.helo = value("helo_name");
    }
    client.sasl_method = value("sasl_method");
    client.sasl_username = value("sasl_username");
    client.sasl_sender = value("sasl_sender");
    client.log_ident = value("log_ident");
    client.rewrite_context = value("rewrite_context");
    if (client.rewrite_context.empty()) client.rewrite_context = "local";
  }

  Envelope& envelope_;
  const std::string& name_;
  bool has_arrival_ = false;
  bool has_sender_ = false;
  std::size_t bytes_ = 0;
};

}  // namespace

std::string Sizes::text() const {
  return fmt::format("{:15} {:15} {:15} {:15} {:15} {:15}", message, data_offset, recipients, hints, content, smtputf8);
}

std::optional<Sizes> Sizes::parse(std::string_view text) {
  std::int64_t values[6] = {};
  std::size_t known = 0;
  for (text = base::trim_left(text); !text.empty() && known < std::size(values); text = base::trim_left(text)) {
    const std::string_view word = text.substr(0, text.find_first_of(base::kBlanks));
    const auto value = base::to_long(word);
    if (!value || *value < 0) return std::nullopt;
    values[known++] = *value;
    text.remove_prefix(word.size());
  }
  if (known < 3) return std::nullopt;
  if (values[3] > INT32_MAX || values[5] > INT32_MAX) return std::nullopt;
  Sizes sizes{values[0], values[1], values[2], static_cast<int>(values[3]), values[4], static_cast<int>(values[5])};
  if (sizes.content == 0) sizes.content = sizes.message;
  return sizes;
}

MessageFile::MessageFile(base::Fd fd, std::string name)
    : fd_(std::move(fd)), name_(std::move(name)), reader_(fd_.get(), name_) {}

BadRecord MessageFile::bad(std::string_view what) const {
  return {fmt::format("{}: {}", name_, what)};
}

std::expected<void, BadRecord> MessageFile::read_sizes() {
  if (sizes_known_) return {};
  reader_.seek(0);
  const auto record = reader_.next();
  if (!record) return std::unexpected(record.error());
  if (!*record) return std::unexpected(bad("an empty file"));
  // Maildrop files have none.
  if ((*record)->type == RecordType::size) {
    const auto sizes = Sizes::parse((*record)->data);
    if (!sizes) return std::unexpected(bad("malformed size record"));
    if (sizes->message <= 0 || sizes->data_offset <= 0) return std::unexpected(bad("sizes were never filled in"));
    if (sizes->message > INT64_MAX - sizes->data_offset) return std::unexpected(bad("malformed size record"));
    if ((sizes->hints & ~kKnownHints) != 0) return std::unexpected(bad(fmt::format("unknown hints {}", sizes->hints)));
    sizes_ = *sizes;
  }
  sizes_known_ = true;
  return {};
}

BadRecord MessageFile::unexpected_type(const Record& record) const {
  return damage(name_, record, fmt::format("unexpected record type {}", static_cast<unsigned char>(record.type)));
}

// From behind M to behind X.
std::expected<void, BadRecord> MessageFile::skip_content() {
  if (sizes_) reader_.seek(sizes_->data_offset + sizes_->message);
  while (true) {
    const auto record = reader_.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return std::unexpected(bad("the message has no end"));
    if ((*record)->type == RecordType::extracted) return {};
    // Where the size record points there must be nothing else.
    if (sizes_ || !belongs_in(Segment::content, (*record)->type)) return std::unexpected(unexpected_type(**record));
  }
}

std::expected<Envelope, BadRecord> MessageFile::read_envelope() {
  reader_.forget();
  sizes_known_ = false;
  sizes_.reset();
  if (auto read = read_sizes(); !read) return std::unexpected(read.error());
  Envelope envelope;
  if (sizes_) envelope.sizes = *sizes_;
  EnvelopeParser parser(envelope, name_);
  int recipients = 0;
  const bool only_recipients_follow = sizes_ && (sizes_->hints & kMixed) == 0;
  Segment segment = Segment::envelope;
  reader_.seek(0);
  while (true) {
    const auto next = reader_.next();
    if (!next) return std::unexpected(next.error());
    if (!*next) return std::unexpected(bad("the message has no end"));
    const Record& record = **next;
    const bool second_size = record.type == RecordType::size && record.offset != 0;
    if (!belongs_in(segment, record.type) || second_size) return std::unexpected(unexpected_type(record));
    if (record.type == RecordType::end) break;
    if (record.type == RecordType::message || (segment == Segment::envelope && only_recipients_follow &&
                                               is_recipient(record.type) && ++recipients > kLookedThrough)) {
      if (auto skipped = skip_content(); !skipped) return std::unexpected(skipped.error());
      segment = Segment::extracted;
    } else if (auto taken = parser.take(record); !taken) {
      return std::unexpected(taken.error());
    }
  }
  if (auto finished = parser.finish(); !finished) return std::unexpected(finished.error());
  fresh_ = true;
  return envelope;
}

std::expected<MessageFile::Batch, BadRecord> MessageFile::read_recipients(std::int64_t from, std::size_t most) {
  // What was read for the envelope just now will do. Later, recipients may have been marked done.
  if (!std::exchange(fresh_, false)) reader_.forget();
  if (auto read = read_sizes(); !read) return std::unexpected(read.error());
  if (from == 0) recipients_read_ = 0;
  struct stat status{};
  if (::fstat(fd_.get(), &status) != 0) return std::unexpected(bad("cannot be looked at"));
  const auto most_in_file = static_cast<std::uint64_t>(status.st_size) / 2;

  Batch batch{{}, 0};
  Recipient recipient;
  bool content_skipped = false;
  reader_.seek(from);
  while (true) {
    const auto next = reader_.next();
    if (!next) return std::unexpected(next.error());
    if (!*next) return std::unexpected(bad("the message has no end"));
    const Record& record = **next;
    if (record.type == RecordType::end) return batch;
    if (record.type == RecordType::recipient) {
      if (++recipients_read_ > most_in_file) return std::unexpected(bad("recipients that come round again"));
      recipient.address = record.data;
      recipient.offset = record.offset;
      batch.recipients.push_back(std::exchange(recipient, {}));
      if (batch.recipients.size() < most) continue;
      batch.next = reader_.position();
      return batch;
    }
    if (is_recipient(record.type)) {
      recipient = {};
    } else if (record.type == RecordType::original_recipient) {
      recipient.original = record.data;
    } else if (record.type == RecordType::message) {
      // In a circle there is no end.
      if (std::exchange(content_skipped, true)) return std::unexpected(unexpected_type(record));
      if (auto skipped = skip_content(); !skipped) return std::unexpected(skipped.error());
    } else if (!belongs_in(Segment::envelope, record.type) && !belongs_in(Segment::extracted, record.type)) {
      // Where edits have put records, an offset does not tell the segment: either's letters will do.
      return std::unexpected(unexpected_type(record));
    } else if (const auto attribute = attribute_of(record); attribute && attribute->name == "dsn_orig_rcpt") {
      recipient.dsn_original = attribute->value;
    } else if (attribute && attribute->name == "notify_flags") {
      const auto flags = parse_flags(attribute->value);
      if (!flags) return std::unexpected(damage(name_, record, "malformed notify_flags"));
      recipient.notify = *flags;
    }
  }
}

std::expected<RecordReader, BadRecord> MessageFile::content() {
  if (auto read = read_sizes(); !read) return std::unexpected(read.error());
  if (sizes_) return RecordReader(fd_.get(), name_, sizes_->data_offset);
  reader_.forget();
  reader_.seek(0);
  while (true) {
    const auto record = reader_.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return std::unexpected(bad("the message has no end"));
    if ((*record)->type == RecordType::message) return RecordReader(fd_.get(), name_, reader_.position());
    if (!belongs_in(Segment::envelope, (*record)->type)) return std::unexpected(unexpected_type(**record));
  }
}

disk::Result<void> mark_done(disk::Disk& disk, int fd, std::int64_t recipient_offset) {
  constexpr char kDone = static_cast<char>(RecordType::done);
  return disk.write_at(step::kMarkDone, fd, std::string_view(&kDone, 1), recipient_offset);
}

disk::Result<void> mark_warned(disk::Disk& disk, int fd, std::int64_t warning_offset) {
  return disk.write_at(step::kMarkWarned, fd, fmt::format("{:{}}", -1, kColumns), warning_offset);
}

disk::Result<void> kill_trace_flags(disk::Disk& disk, int fd, std::int64_t offset) {
  constexpr char kKilled = static_cast<char>(RecordType::killed);
  return disk.write_at(step::kMarkTraced, fd, std::string_view(&kKilled, 1), offset);
}

}  // namespace queue
