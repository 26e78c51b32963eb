#include "queue/id.h"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "base/text.h"

namespace queue {

namespace {

// Digits and consonants: no word comes of it. `z`, the last, separates time and inode.
constexpr std::string_view kDigits = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdfghjklmnpqrstvwxyz";
constexpr std::uint64_t kTimeBase = 52;
constexpr std::uint64_t kInodeBase = 51;
static_assert(kDigits.size() == kTimeBase);

constexpr std::size_t kLongest = 255;
constexpr std::size_t kShortTime = 5;
constexpr std::size_t kLongSeconds = 6;
constexpr std::size_t kLongMicroseconds = 4;
constexpr std::size_t kMostSeconds = 11;  // digits of 63 bits
constexpr char kSeparator = 'z';

std::string encode(std::uint64_t value, std::uint64_t base, std::size_t width) {
  std::string digits;
  do {
    digits.push_back(kDigits[value % base]);
    value /= base;
  } while (value > 0);
  if (digits.size() < width) digits.append(width - digits.size(), '0');
  std::ranges::reverse(digits);
  return digits;
}

std::optional<std::uint64_t> decode(std::string_view text, std::uint64_t base, std::string_view digits) {
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos || digit >= base) return std::nullopt;
    if (value > (std::numeric_limits<std::uint64_t>::max() - digit) / base) return std::nullopt;
    value = value * base + digit;
  }
  return value;
}

std::size_t separator_of(std::string_view id) {
  return id.rfind(kSeparator);
}

bool has_long_form(std::string_view id) {
  const auto separator = separator_of(id);
  return separator != std::string_view::npos && separator >= kLongSeconds + kLongMicroseconds;
}

}  // namespace

TimeStamp now() {
  timespec time{};
  ::clock_gettime(CLOCK_REALTIME, &time);
  return {time.tv_sec, time.tv_nsec / 1000};
}

Id Id::make_short(TimeStamp time, ino_t inode) {
  return Id(fmt::format("{:05X}{:X}", time.microseconds, inode));
}

Id Id::make_long(TimeStamp time, ino_t inode) {
  // Before 1970 there is no mail.
  const auto seconds = static_cast<std::uint64_t>(std::max<std::time_t>(time.seconds, 0));
  return Id(encode(seconds, kTimeBase, kLongSeconds) +
            encode(static_cast<std::uint64_t>(time.microseconds), kTimeBase, kLongMicroseconds) + kSeparator +
            encode(inode, kInodeBase, 1));
}

std::optional<Id> Id::parse(std::string_view text) {
  if (text.empty() || text.size() > kLongest) return std::nullopt;
  if (!std::ranges::all_of(text, [](char c) { return base::is_alnum(c) || c == '_'; })) return std::nullopt;
  return Id(std::string(text));
}

bool Id::is_long() const {
  return has_long_form(text_);
}

std::optional<ino_t> Id::inode() const {
  const std::string_view text = text_;
  if (is_long()) {
    if (!time()) return std::nullopt;
    return decode(text.substr(separator_of(text) + 1), kInodeBase, kDigits);
  }
  if (text.size() <= kShortTime) return std::nullopt;
  constexpr std::string_view kHex = "0123456789ABCDEF";
  if (!decode(text.substr(0, kShortTime), kHex.size(), kHex)) return std::nullopt;
  return decode(text.substr(kShortTime), kHex.size(), kHex);
}

Id Id::with_inode(ino_t inode) const {
  if (is_long() && time()) return Id(text_.substr(0, separator_of(text_) + 1) + encode(inode, kInodeBase, 1));
  return Id(fmt::format("{}{:X}", std::string_view(text_).substr(0, kShortTime), inode));
}

std::optional<TimeStamp> Id::time() const {
  if (!is_long()) return std::nullopt;
  const auto time = std::string_view(text_).substr(0, separator_of(text_));
  if (time.size() > kMostSeconds + kLongMicroseconds) return std::nullopt;
  const auto seconds = decode(time.substr(0, time.size() - kLongMicroseconds), kTimeBase, kDigits);
  const auto microseconds = decode(time.substr(time.size() - kLongMicroseconds), kTimeBase, kDigits);
  if (!seconds || !microseconds || *seconds > INT64_MAX || *microseconds >= 1'000'000) return std::nullopt;
  return TimeStamp{static_cast<std::time_t>(*seconds), static_cast<long>(*microseconds)};
}

std::string Id::hash_directory(int depth) const {
  // Long ids begin with slow digits, which would put all of a day's mail into one directory.
  const std::string fast = is_long() ? fmt::format("{:05X}", time().value_or(TimeStamp{}).microseconds) : std::string();
  const std::string_view characters = is_long() ? std::string_view(fast) : std::string_view(text_);
  std::string directory;
  for (std::size_t level = 0; level < static_cast<std::size_t>(std::max(depth, 0)); ++level) {
    directory.push_back(level < characters.size() ? characters[level] : '_');
    directory.push_back('/');
  }
  return directory;
}

}  // namespace queue
