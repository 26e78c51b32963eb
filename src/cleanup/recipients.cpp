#include "cleanup/recipients.h"

#include "base/text.h"
#include "cleanup/addresses.h"
#include "logging/log.h"
#include "table/fold.h"

namespace cleanup {

namespace {

std::string named_value(std::string_view name, std::string_view value) {
  std::string text(name);
  text += '=';
  text += value;
  return text;
}

std::string_view without_nul(std::string_view text) {
  return text.substr(0, text.find('\0'));
}

}  // namespace

void Recipients::notify(std::string_view text, std::string_view as_written) {
  constexpr unsigned long kOthers = queue::notify::kSuccess | queue::notify::kFailure | queue::notify::kDelay;
  if (notify_ != 0) message_.warn("ignoring out-of-order DSN notify record <" + std::to_string(notify_) + ">");
  notify_ = 0;
  const auto number = base::to_unsigned(text);
  if (number && *number != 0 && (*number == queue::notify::kNever || (*number & ~kOthers) == 0)) {
    notify_ = static_cast<int>(*number);
    message_.hints |= notify_ << 1;
    return;
  }
  message_.warn("ignoring malformed DSN notify record <" + std::string(as_written.substr(0, 200)) + ">");
}

void Recipients::dsn_original(std::string_view address) {
  if (dsn_original_)
    message_.warn("ignoring out-of-order DSN original recipient record <" + dsn_original_->substr(0, 200) + ">");
  dsn_original_ = without_nul(address);
}

void Recipients::original(std::string_view address) {
  if (original_) message_.warn("ignoring out-of-order original recipient record <" + original_->substr(0, 200) + ">");
  original_ = without_nul(address);
}

void Recipients::drop() {
  notify_ = 0;
  dsn_original_.reset();
  original_.reset();
}

void Recipients::take(std::string_view with_nul) {
  const std::string_view address = without_nul(with_nul);
  any_ = true;
  const std::string rewritten = envelope_recipient(message_, address);
  message_.last_recipient = rewritten;

  // The address that other systems will see decides.
  const bool ascii = base::is_ascii(rewritten);
  const bool detects = message_.settings.smtputf8 && base::is_valid_utf8(rewritten) &&
                       (message_.flags & client::cleanup_flag::kAutoUtf8) != 0;
  if (!ascii && detects) message_.smtputf8 |= queue::smtputf8::kRequested;
  const bool as_utf8 = !ascii && (detects || (message_.flags & client::cleanup_flag::kSmtpUtf8) != 0);

  Group group;
  group.notify = notify_;
  group.original = original_ ? *original_ : std::string(address);
  group.dsn_original = dsn_original_ ? *dsn_original_ : (as_utf8 ? "utf-8;" : "rfc822;") + rewritten;
  drop();
  expand(group, rewritten);
  if (message_.bccs()) copy_by(message_.tables.recipient_bcc, "recipient_bcc_maps", rewritten);
}

void Recipients::expand(const Group& group, const std::string& address) {
  if (!message_.maps() || message_.tables.virtual_alias.empty()) return write(group, address);
  constexpr std::string_view kReason = "4.6.0 Alias expansion error";
  const auto expansion = routing::expand_virtual(message_.tables.virtual_alias, message_.tables.config, address);
  if (!expansion) {
    logging::warning("cleanup.lookup", "{error}", {{"error", expansion.error().text}});
    message_.warn("virtual_alias_maps map lookup problem for " + address + " -- message not accepted, try again later");
    return message_.fail(client::cleanup_status::kWrite, kReason);
  }
  if (!expansion->problem.empty()) {
    message_.warn(expansion->problem);
    return message_.fail(client::cleanup_status::kDefer, kReason);
  }
  const bool changed = expansion->addresses.size() != 1 || expansion->addresses.front() != address;
  if (changed && (group.notify & queue::notify::kSuccess) != 0) {
    const Group rest = told_of_expansion(group, address);
    for (const std::string& result : expansion->addresses) write(rest, result);
    return;
  }
  for (const std::string& result : expansion->addresses) write(group, result);
}

// The sender named one recipient, and hears of success once: here (RFC 3461 5.2.7.3). Of failure and delay as before.
Recipients::Group Recipients::told_of_expansion(const Group& group, const std::string& address) {
  queue::StatusEntry entry;
  entry.recipient = address;
  entry.original_recipient = group.original;
  entry.dsn_original = group.dsn_original;
  entry.notify = group.notify;
  entry.status = "2.0.0";
  entry.action = "expanded";
  entry.reason = "alias expanded";
  message_.expanded.push_back(std::move(entry));
  Group rest = group;
  rest.notify &= ~queue::notify::kSuccess;
  if (rest.notify == 0) rest.notify = queue::notify::kNever;
  return rest;
}

bool Recipients::is_new(const Group& group, std::string_view address) {
  std::string key;
  if (message_.settings.original_recipients) {
    // Without a limit hash sums would do; with one the whole key costs little, and no recipient can be lost to a
    // collision. NUL cannot be in the parts.
    for (const std::string& part : {group.dsn_original, std::to_string(group.notify), group.original}) {
      key += part;
      key += '\0';
    }
  }
  key += address;
  key = table::fold_key(key, message_.settings.smtputf8);
  const std::size_t limit = message_.settings.duplicate_limit;
  if (limit != 0 && seen_.size() >= limit) return !seen_.contains(key);
  return seen_.insert(std::move(key)).second;
}

void Recipients::write(const Group& group, std::string_view address) {
  using queue::RecordType;
  if (!is_new(group, address)) return;
  Output& out = message_.out;
  if (group.notify != 0) out.append(RecordType::attribute, named_value("notify_flags", std::to_string(group.notify)));
  if (!group.dsn_original.empty()) out.append(RecordType::attribute, named_value("dsn_orig_rcpt", group.dsn_original));
  out.append(RecordType::original_recipient, group.original);
  out.append(RecordType::recipient, address);
  ++message_.recipients;
}

void Recipients::copy_to(std::string_view address) {
  const std::string rewritten = envelope_recipient(message_, address);
  expand({.notify = queue::notify::kNever, .dsn_original = {}, .original = rewritten}, rewritten);
}

void Recipients::copy_by(const routing::AddressMap& map, std::string_view parameter, std::string_view key) {
  if (map.empty()) return;
  const auto result = map.find_one(key);
  if (!result) {
    logging::warning("cleanup.lookup", "{error}", {{"error", result.error().text}});
    message_.warn(std::string(parameter) + " map lookup problem -- message not accepted, try again later");
    return message_.fail(client::cleanup_status::kWrite);
  }
  if (*result && !(*result)->empty()) copy_to(**result);
}

void Recipients::copy_for_sender() {
  if (message_.bccs() && !message_.sender.empty())
    copy_by(message_.tables.sender_bcc, "sender_bcc_maps", message_.sender);
}

void Recipients::copy_always() {
  if (message_.bccs() && any_ && !message_.settings.always_bcc.empty()) copy_to(message_.settings.always_bcc);
}

}  // namespace cleanup
