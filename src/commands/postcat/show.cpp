#include "postcat/show.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>

#include "base/text.h"
#include "logging/log.h"
#include "mail/header.h"
#include "mail/text.h"
#include "queue/message.h"

namespace postcat {

namespace {

using queue::Record;
using queue::RecordType;
using queue::Segment;

constexpr int kMostReverseJumps = 10000;

// As far as it is a number: what is no time is the beginning of time.
std::string time_text(std::string_view text) {
  text = base::trim_left(text);
  const auto end = std::ranges::find_if(text.begin() + (text.starts_with('-') ? 1 : 0), text.end(),
                                        [](char c) { return !base::is_digit(c); });
  return mail::asctime(base::to_long({text.begin(), end}).value_or(0));
}

class Writer {
 public:
  Writer(std::string name, const Shown& shown, const Print& print)
      : name_(std::move(name)), shown_(shown), print_(print) {}

  // False: nothing more is to be shown. `offset` is where reading began, before a pointer or padding that is not shown.
  bool take(const Record& record, std::int64_t offset) {
    offset_ = offset;
    type_ = record.type;
    if (!begun_) begin();
    if (record.type == RecordType::message) return enter(Segment::content, Segment::envelope, "message content marker");
    if (record.type == RecordType::extracted) {
      return enter(Segment::extracted, Segment::content, "extracted segment marker");
    }
    if (record.type == RecordType::end) {
      if (shown_.envelope) marker("MESSAGE FILE END");
      return false;
    }
    const bool is_text = record.type == RecordType::text || record.type == RecordType::unterminated;
    if (segment_ == Segment::content && is_text) return text(record);
    // Where reading began in the middle (-s) lines of text are all that tells the content.
    if (record.type == RecordType::text) return line(record);
    // What does not belong into the content is told apart from it.
    if (segment_ == Segment::content ? content_wanted() : shown_.envelope) named(record);
    return true;
  }

  bool shows_pointers() const { return shown_.every_record || shown_.file_order; }

 private:
  void begin() {
    begun_ = true;
    if (shown_.start != 0 || !shown_.envelope) return;
    if (shown_.names) put(name_ + ": ");
    put(fmt::format("*** ENVELOPE RECORDS {} ***\n", name_));
  }

  bool enter(Segment segment, Segment expected, std::string_view what) {
    if (segment_ != expected) {
      logging::warning("postcat.out_of_order", "{file}: out-of-order {what}", {{"file", name_}, {"what", what}});
    }
    segment_ = segment;
    in_header_ = segment == Segment::content;
    continued_ = false;
    if (shown_.envelope) marker(segment == Segment::content ? "MESSAGE CONTENTS" : "HEADER EXTRACTED");
    return segment == Segment::content || shown_.envelope;
  }

  bool content_wanted() const { return in_header_ ? shown_.header : shown_.body; }

  bool text(const Record& record) {
    if (in_header_ && !continued_) {
      const bool folded = any_header_ && !record.data.empty() && base::is_blank(record.data.front());
      in_header_ = folded || mail::header_start(record.data).has_value();
      any_header_ = true;
    }
    // The envelope's rest is still to come.
    if (!in_header_ && !shown_.body) return shown_.envelope;
    continued_ = record.type == RecordType::unterminated;
    if (!content_wanted()) return true;
    prefix();
    if (shown_.every_record) {
      put(record.type == RecordType::unterminated ? "unterminated_text" : queue::name_of(record.type));
      put(": ");
    }
    put(record.data);
    // Where each record has a line of its own there is no line to go on with.
    if (continued_ && !shown_.every_record && !shown_.offsets) {
      within_line_ = true;
    } else {
      put("\n");
      within_line_ = false;
    }
    return true;
  }

  bool line(const Record& record) {
    if (!shown_.envelope) return true;
    prefix();
    if (shown_.every_record) put("regular_text: ");
    put(record.data);
    put("\n");
    return true;
  }

  void named(const Record& record) {
    if (record.type == RecordType::attribute) return attribute(record.data);
    prefix();
    put(queue::name_of(record.type));
    put(": ");
    if (record.type == RecordType::time || record.type == RecordType::warning_time) {
      put(time_text(record.data));
    } else {
      put(record.data);
    }
    put("\n");
    if (record.type == RecordType::size && !queue::Sizes::parse(record.data)) {
      logging::warning("postcat.bad_sizes", "{file}: invalid size record: {sizes}",
                       {{"file", name_}, {"sizes", record.data}});
    }
  }

  void attribute(std::string_view data) {
    const auto equals = data.find('=');
    const std::string_view name = base::trim(data.substr(0, equals));
    if (equals == std::string_view::npos || name.empty()) {
      logging::warning("postcat.bad_attribute", "{file}: malformed attribute: {problem}: {attribute}",
                       {{"file", name_},
                        {"problem", name.empty() ? "missing attribute name" : "missing '=' after attribute name"},
                        {"attribute", data}});
      return;
    }
    const std::string_view value = base::trim(data.substr(equals + 1));
    prefix();
    put(name == "create_time" ? fmt::format("create_time: {}\n", time_text(value))
                              : fmt::format("named_attribute: {}={}\n", name, value));
  }

  void marker(std::string_view what) {
    if (within_line_) put("\n");
    within_line_ = false;
    prefix();
    put(fmt::format("*** {} {} ***\n", what, name_));
  }

  void prefix() {
    if (shown_.names && !within_line_) put(name_ + ": ");
    if (shown_.offsets) put(fmt::format("{:9} ", offset_));
    if (shown_.types) put(fmt::format("{:3} ", static_cast<unsigned char>(type_)));
  }

  void put(std::string_view text) { print_(text); }

  std::string name_;
  const Shown& shown_;
  const Print& print_;
  Segment segment_ = Segment::envelope;
  bool begun_ = false;
  bool in_header_ = false;
  bool any_header_ = false;
  bool continued_ = false;    // the line goes on in the next record
  bool within_line_ = false;  // and it was shown without a line end
  std::int64_t offset_ = 0;
  RecordType type_{};
};

}  // namespace

std::expected<void, queue::BadRecord> show(int fd, const std::string& name, const Shown& shown, const Print& print) {
  // Told before anything is made of lengths that are none.
  char first = 0;
  if (shown.start == 0 && ::pread(fd, &first, 1, 0) == 1 &&
      !queue::belongs_in(Segment::envelope, static_cast<RecordType>(first))) {
    logging::warning("postcat.no_queue_file", "{file}: input is not a valid queue file", {{"file", name}});
    return {};
  }
  queue::RecordReader reader(fd, name, shown.start, queue::RecordReader::Pointers::show);
  Writer writer(name, shown, print);
  int reverse_jumps = 0;
  std::int64_t began = shown.start;
  while (true) {
    const auto record = reader.next();
    if (!record) return std::unexpected(record.error());
    if (!*record) return {};
    const bool pointer = (*record)->type == RecordType::pointer;
    const bool visible = writer.shows_pointers() || (!pointer && (*record)->type != RecordType::padding);
    if (visible && !writer.take(**record, began)) return {};
    if (pointer && !shown.file_order) {
      const auto data = base::trim((*record)->data);
      const auto target = data.empty() ? 0 : queue::parse_number(data);
      const auto bad = [&](std::string_view what) {
        return std::unexpected(
            queue::BadRecord{fmt::format("{}: record at offset {}: {}", name, (*record)->offset, what)});
      };
      if (!target || *target < 0) {
        return bad(fmt::format("malformed pointer record value: {}", base::printable((*record)->data)));
      }
      if (*target != 0) {
        if (*target <= (*record)->offset && ++reverse_jumps > kMostReverseJumps) {
          return bad("too many reverse jump records");
        }
        reader.seek(*target);
      }
    }
    if (visible) began = reader.position();
  }
}

}  // namespace postcat
