#include "postqueue/listing.h"

#include <fmt/format.h>

#include <algorithm>
#include <ctime>

#include "base/error.h"
#include "base/text.h"
#include "logging/log.h"

namespace postqueue {

namespace {

constexpr std::size_t kMuch = 64 * 1024;
constexpr std::size_t kLongestWord = 1024 * 1024;
constexpr std::size_t kReasonEnd = 76;  // a reason's last column, without its parentheses
constexpr std::string_view kProtocol = "mail_queue_list_protocol";

base::Fatal malformed() {
  return base::Fatal("malformed showq server response");
}

// Negative numbers travel as what they are as unsigned ones.
std::int64_t number(std::string_view text) {
  if (const auto value = base::to_unsigned(text)) return static_cast<std::int64_t>(*value);
  if (const auto value = base::to_long(text)) return *value;
  logging::warning("postqueue.bad_number", "malformed numerical data from public/showq socket: {text}",
                   {{"text", text}});
  throw malformed();
}

bool only_ascii = false;  // NOLINT: one listing per process

std::string clean(std::string_view text) {
  std::string result(text);
  if (std::ranges::all_of(text, base::is_printable)) return result;
  if (!only_ascii) return base::printable(text);
  std::ranges::replace_if(result, [](char c) { return !base::is_printable(c); }, '?');
  return result;
}

void append_json(std::string& to, std::string_view text) {
  to += '"';
  for (const char c : text) {
    if (c == '"' || c == '\\') to += '\\';
    to += c;  // control bytes have been masked
  }
  to += '"';
}

}  // namespace

void show_only_ascii() {
  only_ascii = true;
}

void Printer::flush() {
  write_(text_);
  text_.clear();
}

void Printer::flush_much() {
  if (text_.size() >= kMuch) flush();
}

void TextPrinter::begin(const Message& message) {
  if (messages_++ == 0) {
    text() += long_ ? "----Queue ID----- --Size-- ---Arrival Time---- --Sender/Recipient------\n"
                    : "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n";
  } else {
    text() += '\n';
  }
  bytes_ += static_cast<std::uint64_t>(message.size);
  last_reason_.clear();

  std::string id = message.queue_id;
  if (message.queue_name == "active") id += '*';
  if (message.queue_name == "hold") id += '!';
  if (message.forced_expire) id += '#';
  if (shown_time_ != message.time || time_text_.empty()) {
    const std::time_t time = message.time;
    struct tm parts{};
    char formed[64] = "";
    if (::localtime_r(&time, &parts) != nullptr) std::strftime(formed, sizeof formed, "%a %b %e %H:%M:%S %Y", &parts);
    time_text_.assign(formed, ::strnlen(formed, long_ ? 19 : 20));
    shown_time_ = message.time;
  }
  if (long_) {
    fmt::format_to(std::back_inserter(text()), "{:<17} {:>8} {:>19} {}\n", id, message.size, time_text_,
                   message.sender);
  } else {
    fmt::format_to(std::back_inserter(text()), "{:<11} {:>7} {:>20} {}\n", id, message.size, time_text_,
                   message.sender);
  }
  flush_much();
}

void TextPrinter::recipient(const Recipient& recipient) {
  if (recipient.reason != last_reason_) {
    last_reason_ = recipient.reason;
    const std::string_view reason = last_reason_.empty() ? "reason unavailable" : std::string_view(last_reason_);
    text().append(kReasonEnd - std::min(kReasonEnd, reason.size()), ' ');
    text().append("(").append(reason).append(")\n");
  }
  text().append(long_ ? 47 : 41, ' ');
  text().append(recipient.address).append("\n");
  flush_much();
}

void TextPrinter::finish() {
  if (messages_ == 0) {
    text() += "Mail queue is empty\n";
  } else {
    fmt::format_to(std::back_inserter(text()), "\n-- {} Kbytes in {} Request{}.\n", bytes_ / 1024, messages_,
                   messages_ == 1 ? "" : "s");
  }
  flush();
}

void JsonPrinter::begin(const Message& message) {
  std::string& to = text();
  to += "{\"queue_name\": ";
  append_json(to, message.queue_name);
  to += ", \"queue_id\": ";
  append_json(to, message.queue_id);
  fmt::format_to(std::back_inserter(to), ", \"arrival_time\": {}, \"message_size\": {}, \"forced_expire\": {}",
                 message.time, message.size, message.forced_expire);
  to += ", \"sender\": ";
  append_json(to, message.sender);
  to += ", \"recipients\": [";
  first_ = true;
}

void JsonPrinter::recipient(const Recipient& recipient) {
  std::string& to = text();
  to += first_ ? "{" : ", {";
  first_ = false;
  if (!recipient.original.empty()) {
    to += "\"orig_address\": ";
    append_json(to, recipient.original);
    to += ", ";
  }
  to += "\"address\": ";
  append_json(to, recipient.address);
  if (!recipient.reason.empty()) {
    to += recipient.bounced ? ", \"bounce_reason\": " : ", \"delay_reason\": ";
    append_json(to, recipient.reason);
  }
  to += '}';
  flush_much();
}

void JsonPrinter::end() {
  text() += "]}\n";
  flush_much();
}

void Reader::feed(std::string_view bytes) {
  while (!bytes.empty() && state_ != State::finished) {
    const std::size_t end = bytes.find('\0');
    const std::string_view part = bytes.substr(0, end);
    if (partial_.size() + part.size() > kLongestWord) throw malformed();
    if (end == std::string_view::npos) {
      partial_ += part;
      return;
    }
    bytes.remove_prefix(end + 1);
    if (partial_.empty()) {
      word(part);
    } else {
      partial_ += part;
      word(std::exchange(partial_, {}));
    }
  }
}

void Reader::word(std::string_view word) {
  if (has_name_) {
    has_name_ = false;
    attribute(name_, word);
  } else if (word.empty()) {
    end_of_list();
  } else {
    name_ = word;
    has_name_ = true;
  }
}

void Reader::attribute(std::string_view name, std::string_view value) {
  any_ = true;
  if (state_ == State::greeting) {
    if (name != "protocol") return;
    greeted_ = true;
    if (value == kProtocol) return;
    logging::warning("postqueue.bad_protocol",
                     "unexpected protocol {protocol} from public/showq socket (expected: {expected})",
                     {{"protocol", value}, {"expected", kProtocol}});
    throw malformed();
  }
  if (name == "queue_name") {
    message_.queue_name = clean(value);
    fields_ |= 1;
  } else if (name == "queue_id") {
    message_.queue_id = clean(value);
    fields_ |= 2;
  } else if (name == "time") {
    message_.time = number(value);
    fields_ |= 4;
  } else if (name == "size") {
    message_.size = number(value);
    fields_ |= 8;
  } else if (name == "forced_expire") {
    message_.forced_expire = number(value) != 0;
    fields_ |= 16;
  } else if (name == "sender") {
    message_.sender = clean(value);
    fields_ |= 32;
  } else if (name == "recipient") {
    start_recipients();
    finish_recipient();
    recipient_ = {};
    recipient_.address = clean(value);
    has_recipient_ = true;
  } else if (has_recipient_ && name == "reason") {
    recipient_.reason = clean(value);
  } else if (has_recipient_ && name == "original_recipient") {
    recipient_.original = clean(value);
  } else if (has_recipient_ && name == "bounced") {
    recipient_.bounced = value == "1";
  }
}

void Reader::start_recipients() {
  if (announced_) return;
  if (fields_ != 63) throw malformed();
  printer_.begin(message_);
  announced_ = true;
}

void Reader::finish_recipient() {
  if (has_recipient_) printer_.recipient(recipient_);
  has_recipient_ = false;
}

void Reader::end_of_list() {
  if (state_ == State::greeting) {
    if (!greeted_) throw malformed();
    state_ = State::message;
  } else if (!any_) {
    state_ = State::finished;
    printer_.finish();
  } else {
    start_recipients();
    finish_recipient();
    printer_.end();
    message_ = {};
    fields_ = 0;
    announced_ = false;
  }
  any_ = false;
}

}  // namespace postqueue
