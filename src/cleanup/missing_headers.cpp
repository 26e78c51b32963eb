#include "cleanup/missing_headers.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <ctime>

#include "base/text.h"
#include "cleanup/headers.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header.h"
#include "mail/header_tokens.h"
#include "mail/text.h"

namespace cleanup {

void PresentHeaders::note(std::string_view name) {
  const auto is = [name](std::string_view other) { return base::equals_folded(name, other); };
  if (const mail::HeaderName* known = mail::known_header(name); known != nullptr && known->is_resent) resent = true;
  if (is("Message-Id")) message_id = true;
  if (is("Date")) date = true;
  if (is("From")) from = true;
  if (is("Resent-Message-Id")) resent_message_id = true;
  if (is("Resent-Date")) resent_date = true;
  if (is("Resent-From")) resent_from = true;
  if (is("To") || is("Cc") || is("Resent-To") || is("Resent-Cc")) visible_recipient = true;
}

namespace {

std::string new_message_id(const Transaction& message) {
  const std::string& host = message.settings.myhostname;
  if (message.settings.long_queue_ids) return fmt::format("{}@{}", message.id, host);
  std::tm utc{};
  gmtime_r(&message.created.seconds, &utc);
  return fmt::format("{:%Y%m%d%H%M%S}.{}@{}", utc, message.id, host);
}

// Words apart by one blank, nothing that could end a header.
std::string plain_name(std::string_view text) {
  std::string name;
  for (const std::string_view word : base::split(text, base::kBlanks)) {
    if (!name.empty()) name += ' ';
    for (const char c : word) name += static_cast<unsigned char>(c) < ' ' || c == '\x7F' ? '?' : c;
  }
  return name;
}

// Parentheses in a comment must be balanced; where they are not they are escaped, as are backslashes.
std::string comment_text(std::string_view name) {
  int depth = 0;
  bool balanced = true;
  for (const char c : name) {
    depth += c == '(' ? 1 : c == ')' ? -1 : 0;
    balanced = balanced && depth >= 0;
  }
  balanced = balanced && depth == 0;
  std::string text;
  for (const char c : name) {
    if (c == '\\' || (!balanced && (c == '(' || c == ')'))) text += '\\';
    text += c;
  }
  return text;
}

bool is_utf8_continuation(char c) {
  return (static_cast<unsigned char>(c) & 0xC0) == 0x80;
}

// How many bytes of text the next encoded word takes: all that fit, whole characters of UTF-8.
template <typename Cost>
std::size_t fitting(std::string_view text, std::size_t room, Cost cost) {
  std::size_t taken = 0;
  std::size_t used = 0;
  while (taken < text.size()) {
    std::size_t size = 1;
    while (size < 4 && taken + size < text.size() && is_utf8_continuation(text[taken + size])) ++size;
    const std::size_t more = cost(text.substr(taken, size), used);
    if (used + more > room && taken > 0) break;
    used += more;
    taken += size;
  }
  return taken;
}

bool is_plain_in_q(char c) {
  return base::is_alnum(c) || c == '!' || c == '*' || c == '+' || c == '-' || c == '/';
}

std::string q_encoded(std::string_view text) {
  std::string result;
  for (const char c : text) {
    if (is_plain_in_q(c))
      result += c;
    else if (c == ' ')
      result += '_';
    else
      result += fmt::format("={:02X}", static_cast<unsigned char>(c));
  }
  return result;
}

std::string b_encoded(std::string_view text) {
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string result;
  for (std::size_t i = 0; i < text.size(); i += 3) {
    const std::string_view part = text.substr(i, 3);
    unsigned bits = 0;
    for (std::size_t k = 0; k < 3; ++k) bits = bits << 8 | (k < part.size() ? static_cast<unsigned char>(part[k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k) result += k <= part.size() ? kDigits[bits >> (18 - 6 * k) & 63] : '=';
  }
  return result;
}

}  // namespace

std::string encoded_words(std::string_view text, std::string_view charset) {
  constexpr std::size_t kLongestWord = 75;
  const bool use_q = q_encoded(text).size() <= b_encoded(text).size();
  const std::size_t frame = charset.size() + 7;  // =?charset?Q?...?=
  const std::size_t room = frame < kLongestWord ? kLongestWord - frame : 4;
  std::string result;
  while (!text.empty()) {
    const std::size_t size =
        use_q ? fitting(text, room, [](std::string_view part, std::size_t) { return q_encoded(part).size(); })
              : fitting(text, room / 4 * 3, [](std::string_view part, std::size_t) { return part.size(); });
    const std::string_view part = text.substr(0, size);
    if (!result.empty()) result += "\n ";
    result += fmt::format("=?{}?{}?{}?=", charset, use_q ? 'Q' : 'B', use_q ? q_encoded(part) : b_encoded(part));
    text.remove_prefix(size);
  }
  return result;
}

std::string from_value(const Transaction& message) {
  if (message.sender.empty()) return "MAILER-DAEMON";
  const std::string address = mail::quote(message.sender);
  const std::string name = plain_name(message.full_name);
  if (name.empty()) return address;
  const bool ascii = base::is_ascii(name);
  if (message.settings.obsolete_from) {
    return fmt::format("{} ({})", address,
                       ascii ? comment_text(name) : encoded_words(name, message.settings.full_name_charset));
  }
  return fmt::format(
      "{} <{}>", ascii ? mail::quoted_phrase(name) : encoded_words(name, message.settings.full_name_charset), address);
}

void add_missing_headers(Transaction& message, const PresentHeaders& present) {
  const Settings& settings = message.settings;
  const bool add = message.local_headers || settings.add_missing_headers || settings.rewrite_remote_headers;
  const std::string prefix = present.resent ? "Resent-" : "";
  bool has_id = present.message_id;
  if (add) {
    if (present.resent ? !present.resent_message_id : !present.message_id) {
      const std::string id = new_message_id(message);
      write_header(message, prefix + "Message-Id: <" + id + ">");
      logging::info("cleanup.message_id", "{id}: {header}=<{value}>",
                    {{"id", message.id},
                     {"header", present.resent ? "resent-message-id" : "message-id"},
                     {"value", std::string_view(id)}});
      if (!present.resent) has_id = true;
    }
    if (present.resent ? !present.resent_date : !present.date)
      write_header(message, prefix + "Date: " + mail::date(message.arrival.seconds));
    if (present.resent ? !present.resent_from : !present.from)
      write_header(message, prefix + "From: " + from_value(message));
    if (!settings.undisclosed_recipients_header.empty() && !present.visible_recipient)
      write_header(message, settings.undisclosed_recipients_header);
  }
  if (!has_id) logging::info("cleanup.message_id", "{id}: message-id=<>", {{"id", message.id}});
}

}  // namespace cleanup
