#include "queue/record.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/text.h"

namespace queue {

namespace {

constexpr int kMostReverseJumps = 10000;
constexpr std::size_t kFirstRead = 4096;
constexpr std::size_t kNextRead = std::size_t{64} * 1024;
constexpr std::size_t kMostKept = 4 * kNextRead;
// Far more than any line or attribute; what is larger is no mail of ours, and must not fill the memory.
constexpr std::size_t kLargestInFile = std::size_t{16} * 1024 * 1024;
// The type and five bytes of length.
constexpr std::size_t kLongestHead = 6;

struct Named {
  RecordType type;
  std::string_view name;
};
constexpr std::array kNames = {
    Named{RecordType::size, "message_size"},
    Named{RecordType::time, "message_arrival_time"},
    Named{RecordType::create_time, "queue_file_create_time"},
    Named{RecordType::full_name, "sender_fullname"},
    Named{RecordType::inspector, "content_inspector"},
    Named{RecordType::filter, "content_filter"},
    Named{RecordType::sender, "sender"},
    Named{RecordType::done, "done_recipient"},
    Named{RecordType::recipient, "recipient"},
    Named{RecordType::original_recipient, "original_recipient"},
    Named{RecordType::canceled, "canceled_recipient"},
    Named{RecordType::warning_time, "warning_message_time"},
    Named{RecordType::attribute, "named_attribute"},
    Named{RecordType::killed, "killed_record"},
    Named{RecordType::redirect, "redirect_to"},
    Named{RecordType::flags, "flags"},
    Named{RecordType::message, "message_content"},
    Named{RecordType::text, "regular_text"},
    Named{RecordType::padding, "padding"},
    Named{RecordType::extracted, "extracted_info"},
    Named{RecordType::return_receipt, "return_receipt"},
    Named{RecordType::errors_to, "errors_to"},
    Named{RecordType::priority, "priority"},
    Named{RecordType::pointer, "pointer_record"},
    Named{RecordType::verp_delimiters, "verp_delimiters"},
    Named{RecordType::dsn_return, "dsn_return_flags"},
    Named{RecordType::dsn_envelope_id, "dsn_envelope_id"},
    Named{RecordType::dsn_original_recipient, "dsn_original_recipient"},
    Named{RecordType::dsn_notify, "dsn_notify_flags"},
    Named{RecordType::end, "message_end"},
};

// A record's type and length at the front of `bytes`.
struct Head {
  enum class State { complete, needs_more, bad } state;
  std::size_t head = 0;  // bytes of type and length
  std::size_t data = 0;
};

Head parse_head(std::string_view bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 1; i < bytes.size(); ++i) {
    const auto byte = static_cast<unsigned char>(bytes[i]);
    length |= std::uint64_t{byte & 0x7fU} << (7 * (i - 1));
    if ((byte & 0x80U) != 0) {
      if (i + 1 == kLongestHead) return {Head::State::bad};
      continue;
    }
    if (length > INT32_MAX) return {Head::State::bad};
    return {Head::State::complete, i + 1, static_cast<std::size_t>(length)};
  }
  return {Head::State::needs_more};
}

std::string bad_length(char type) {
  return fmt::format("too many length bits, record type {}", static_cast<unsigned char>(type));
}

}  // namespace

std::string_view name_of(RecordType type) {
  const auto* const found = std::ranges::find(kNames, type, &Named::type);
  return found == kNames.end() ? "unknown_record_type" : found->name;
}

bool belongs_in(Segment segment, RecordType type) {
  const char letter = static_cast<char>(type);
  switch (segment) {
    case Segment::envelope:
      return letter != '\0' && std::string_view("MCTcFILSDRO/WVA>K<ionp").contains(letter);
    case Segment::content:
      return letter != '\0' && std::string_view("XLNwp").contains(letter);
    case Segment::extracted:
      return letter != '\0' && std::string_view("EDRO/PreAFIL>Konp").contains(letter);
  }
  return false;
}

std::size_t encoded_size(std::size_t data) {
  std::size_t size = 2 + data;
  while (data >= 0x80) {
    data >>= 7;
    ++size;
  }
  return size;
}

void append_record(std::string& to, RecordType type, std::string_view data) {
  char head[1 + 10];
  std::size_t used = 0;
  head[used++] = static_cast<char>(type);
  std::size_t length = data.size();
  while (length >= 0x80) {
    head[used++] = static_cast<char>((length & 0x7f) | 0x80);
    length >>= 7;
  }
  head[used++] = static_cast<char>(length);
  to.append(head, used);
  to.append(data);
}

std::optional<std::int64_t> parse_number(std::string_view text) {
  return base::to_long(base::trim(text));
}

void RecordDecoder::feed(std::string_view bytes) {
  if (start_ > 0) {
    buffer_.erase(0, start_);
    start_ = 0;
  }
  buffer_.append(bytes);
}

std::expected<std::optional<Record>, BadRecord> RecordDecoder::next() {
  const std::string_view rest = std::string_view(buffer_).substr(start_);
  const Head head = parse_head(rest);
  if (head.state == Head::State::bad) {
    return std::unexpected(BadRecord{fmt::format("record at offset {}: {}", consumed_, bad_length(rest[0]))});
  }
  if (head.state == Head::State::needs_more) return std::nullopt;
  if (head.data > largest_) {
    return std::unexpected(BadRecord{fmt::format("record at offset {}: illegal length {}, record type {}", consumed_,
                                                 head.data, static_cast<unsigned char>(rest[0]))});
  }
  if (rest.size() - head.head < head.data) return std::nullopt;
  const Record record{RecordType(rest[0]), rest.substr(head.head, head.data), consumed_};
  start_ += head.head + head.data;
  consumed_ += static_cast<std::int64_t>(head.head + head.data);
  return record;
}

RecordReader::RecordReader(int fd, std::string name, std::int64_t start, Pointers pointers)
    : fd_(fd), name_(std::move(name)), position_(start), pointers_(pointers), buffer_offset_(start) {}

void RecordReader::read(int fd, std::string_view name) {
  fd_ = fd;
  name_ = name;
  position_ = 0;
  buffer_.clear();
  if (buffer_.capacity() > kMostKept) buffer_.shrink_to_fit();
  buffer_offset_ = 0;
  reverse_jumps_ = 0;
  jumped_ = false;
}

void RecordReader::seek(std::int64_t offset) {
  position_ = offset;
}

void RecordReader::forget() {
  buffer_.clear();
}

BadRecord RecordReader::bad(std::string_view what) const {
  return BadRecord{fmt::format("{}: record at offset {}: {}", name_, position_, what)};
}

// Whether the buffer holds `needed` bytes from position_ on; false when the file ends before.
std::expected<bool, BadRecord> RecordReader::fill(std::size_t needed) {
  const auto buffered_end = buffer_offset_ + static_cast<std::int64_t>(buffer_.size());
  if (position_ < buffer_offset_ || position_ > buffered_end) {
    buffer_.clear();
    buffer_offset_ = position_;
  }
  auto ahead = static_cast<std::size_t>(position_ - buffer_offset_);
  if (buffer_.size() - ahead >= needed) return true;
  const bool first = buffer_.empty();
  if (ahead > 0) {
    buffer_.erase(0, ahead);
    buffer_offset_ = position_;
    ahead = 0;
  }
  while (buffer_.size() < needed) {
    const std::size_t have = buffer_.size();
    // As much as the file has, not as much as a length in it claims: a claim alone takes no memory.
    const std::size_t want = have + (first && have == 0 ? kFirstRead : kNextRead);
    ssize_t got = 0;
    int error = 0;
    buffer_.resize_and_overwrite(want, [&](char* data, std::size_t size) {
      do {
        got = ::pread(fd_, data + have, size - have, buffer_offset_ + static_cast<off_t>(have));
      } while (got < 0 && errno == EINTR);
      error = errno;
      return have + (got > 0 ? static_cast<std::size_t>(got) : 0);
    });
    if (got < 0) return std::unexpected(bad(base::with_errno("read", error)));
    if (got == 0) return false;
  }
  return true;
}

std::expected<std::optional<Record>, BadRecord> RecordReader::next() {
  jumped_ = false;
  while (true) {
    if (position_ < 0) return std::unexpected(bad("a negative offset"));
    if (const auto filled = fill(1); !filled) {
      return std::unexpected(filled.error());
    } else if (!*filled) {
      return std::nullopt;
    }
    Head head{};
    for (std::size_t known = 2;; ++known) {
      const auto filled = fill(known);
      if (!filled) return std::unexpected(filled.error());
      const auto ahead = static_cast<std::size_t>(position_ - buffer_offset_);
      const std::string_view rest = std::string_view(buffer_).substr(ahead);
      head = parse_head(rest.substr(0, kLongestHead));
      if (head.state != Head::State::needs_more) break;
      if (!*filled) {
        return std::unexpected(
            bad(fmt::format("unexpected EOF reading length, record type {}", static_cast<unsigned char>(rest[0]))));
      }
    }
    const char type = buffer_[static_cast<std::size_t>(position_ - buffer_offset_)];
    if (head.state == Head::State::bad) return std::unexpected(bad(bad_length(type)));
    if (head.data > kLargestInFile) {
      return std::unexpected(
          bad(fmt::format("illegal length {}, record type {}", head.data, static_cast<unsigned char>(type))));
    }
    const auto complete = fill(head.head + head.data);
    if (!complete) return std::unexpected(complete.error());
    const auto ahead = static_cast<std::size_t>(position_ - buffer_offset_);
    if (!*complete) {
      return std::unexpected(bad(fmt::format("unexpected EOF in data, record type {} length {}",
                                             static_cast<unsigned char>(type), head.data)));
    }
    const std::string_view data = std::string_view(buffer_).substr(ahead + head.head, head.data);
    const std::int64_t offset = position_;
    const std::int64_t behind = position_ + static_cast<std::int64_t>(head.head + head.data);
    if (pointers_ == Pointers::follow) {
      if (RecordType(type) == RecordType::padding) {
        position_ = behind;
        continue;
      }
      if (RecordType(type) == RecordType::pointer) {
        const auto target = base::trim(data).empty() ? std::optional<std::int64_t>(0) : parse_number(data);
        if (!target || *target < 0)
          return std::unexpected(bad(fmt::format("malformed pointer record value: {}", base::printable(data))));
        if (*target == 0) {
          position_ = behind;
          continue;
        }
        if (*target <= offset && ++reverse_jumps_ > kMostReverseJumps) {
          return std::unexpected(bad("too many reverse jump records"));
        }
        position_ = *target;
        jumped_ = true;
        continue;
      }
    }
    position_ = behind;
    return Record{RecordType(type), data, offset};
  }
}

}  // namespace queue
