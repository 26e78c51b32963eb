#include "cleanup/headers.h"

#include <algorithm>

#include "base/text.h"
#include "cleanup/addresses.h"
#include "cleanup/mime.h"
#include "logging/log.h"
#include "mail/header.h"
#include "mail/header_tokens.h"

namespace cleanup {

using queue::RecordType;

namespace {

// The headers without which a body cannot be read: message_drop_headers does not take these.
bool describes_content(std::string_view name) {
  constexpr std::string_view kNames[] = {"Content-Description", "Content-Disposition",       "Content-Id",
                                         "Content-Type",        "Content-Transfer-Encoding", "MIME-Version"};
  return std::ranges::any_of(kNames, [name](std::string_view one) { return base::equals_folded(name, one); });
}

// How much of a header is written: header_size_limit bytes, and no line of which less than a tenth of that would be
// left. In a list that was written anew the tabs that begin its lines do not count.
std::size_t stored_size(std::string_view header, std::size_t limit, bool is_new) {
  constexpr std::size_t kShare = 10;
  std::size_t counted = 0;
  std::size_t line = 0;  // bytes counted since the line began
  std::size_t last_break = 0;
  for (std::size_t at = 0; at < header.size(); ++at) {
    if (is_new && at > 0 && header[at] == '\t' && header[at - 1] == '\n') continue;
    if (counted == limit) return last_break > 0 && line * kShare < limit ? last_break : at;
    ++counted;
    ++line;
    if (header[at] != '\n') continue;
    last_break = at;
    line = 0;
  }
  return header.size();
}

}  // namespace

void write_header(Transaction& message, std::string_view header) {
  const std::size_t most = message.settings.line_length_limit;
  for (;;) {
    const std::size_t end = header.find('\n');
    std::string_view line = header.substr(0, end);
    while (line.size() > most) {
      message.out.append(RecordType::unterminated, line.substr(0, most));
      line.remove_prefix(most);
    }
    message.out.append(RecordType::text, line);
    if (end == std::string_view::npos) return;
    header.remove_prefix(end + 1);
  }
}

// What comes behind header_size_limit bytes is left out; the line that passes the limit is still looked at as a whole.
void Headers::append(std::string_view text, bool new_line) {
  if (header_.size() >= message_.settings.header_size_limit) return;
  if (new_line) header_ += '\n';
  header_ += text;
}

bool Headers::take(RecordType type, std::string_view with_nul) {
  const std::string_view data = with_nul.substr(0, with_nul.find('\0'));
  if (line_goes_on_) {
    append(data);
  } else if (!header_.empty() && !data.empty() && (data[0] == ' ' || data[0] == '\t')) {
    append(data, true);
  } else {
    finish_header();
    if (message_.given_up()) return true;
    if (!mail::header_start(data)) {
      end();
      if (!data.empty() && !message_.given_up()) finish_badly();
      return false;
    }
    append(data);
  }
  line_goes_on_ = type == RecordType::unterminated;
  return true;
}

void Headers::end() {
  if (ended_) return;
  finish_header();
  ended_ = true;
  if (message_.given_up()) return;
  // Every program of ours that hands in mail puts a Received header on top: without one it comes from elsewhere.
  // (Of mail that is too large even before its text nothing was taken here: it goes back, and is not refused as bad.)
  const bool cut = (message_.status & client::cleanup_status::kSize) != 0;
  if (hops_ == 0 && !cut) return message_.reject_bad("no Received: header");
  add_missing_headers(message_, present_);
}

// The body begins with a line that should have been a header.
void Headers::finish_badly() {
  switch (message_.settings.bad_header_end) {
    case BadHeaderEnd::fix_quietly:
      break;
    case BadHeaderEnd::add_header:
      write_header(message_, "MIME-Error: message header was not terminated by empty line");
      break;
    case BadHeaderEnd::reject:
      message_.fail(client::cleanup_status::kContent, "5.7.1 message header was not terminated by empty line");
      return;
  }
  message_.out.append(RecordType::text, {});
}

void Headers::finish_header() {
  if (header_.empty()) return;
  std::string header = std::exchange(header_, {});
  const auto start = mail::header_start(header);
  if (!start) return store(header);  // cannot be: take() asked
  const std::string_view name = start->name;
  const std::string_view value = std::string_view(header).substr(start->value_start);

  known(name, value);
  if (message_.settings.dropped_headers.contains(base::lower(name)) && !describes_content(name)) return;

  // Blanks before the colon go.
  std::string result(name);
  result += ':';
  const mail::HeaderName* known_name = mail::known_header(name);
  const bool rewrite = known_name != nullptr && known_name->rewritten != mail::AddressClass::none &&
                       (message_.local_headers || message_.settings.rewrite_remote_headers);
  if (!rewrite) {
    result += value;
    return store(result);
  }
  const auto rewritten = [this, known_name](const std::string& external) {
    return header_address(message_, known_name->rewritten, external);
  };
  const auto tell = [](std::string_view text) {
    constexpr std::size_t kShown = 100;
    std::string shown(text.substr(0, kShown));
    std::ranges::replace(shown, '\n', ' ');
    logging::warning("cleanup.long_comment", "stripping too many comments from address: {text}...", {{"text", shown}});
  };
  const std::string list =
      mail::rewrite_addresses(value, message_.settings.header_token_limit, rewritten, result.size(), tell);
  const bool is_new = list != value;
  result += list;
  store(result, is_new);
}

void Headers::known(std::string_view name, std::string_view value) {
  present_.note(name);
  const bool message_id = base::equals_folded(name, "Message-Id");
  if (message_id || base::equals_folded(name, "Resent-Message-Id")) {
    const std::string id(base::trim_left(value));
    logging::info("cleanup.message_id", "{id}: {header}={value}",
                  {{"id", message_.id},
                   {"header", message_id ? "message-id" : "resent-message-id"},
                   {"value", std::string_view(id)}});
  } else if (base::equals_folded(name, "Received")) {
    count_hop();
  } else if (base::equals_folded(name, "Content-Type")) {
    note_content_type(content_type_, value, message_.settings.header_size_limit);
  } else if (base::equals_folded(name, "Content-Transfer-Encoding")) {
    note_transfer_encoding(message_, value);
  } else if (base::equals_folded(name, "Require-TLS-ESMTP")) {
    // What was asked of the server before a filter, which could not tell us.
    const bool asked = message_.settings.requiretls_header && base::equals_folded(base::trim(value), "yes");
    if (asked && !message_.require_tls) message_.require_tls = message_.require_tls_by_header = true;
  }
}

void Headers::count_hop() {
  if (++hops_ < message_.settings.hopcount_limit) return;
  if ((message_.status & client::cleanup_status::kHops) != 0) return;
  message_.fail(client::cleanup_status::kHops);
  message_.warn("message rejected: hopcount exceeded");
}

// As it stays: what is dropped or rewritten makes nobody's mail an SMTPUTF8 one.
void Headers::store(std::string_view header, bool is_new) {
  note_8bit_header(message_, header);
  write_header(message_, header.substr(0, stored_size(header, message_.settings.header_size_limit, is_new)));
}

void note_8bit_header(Transaction& message, std::string_view header) {
  if (!message.settings.smtputf8 || base::is_ascii(header)) return;
  message.smtputf8 |= queue::smtputf8::kHeader;
  if ((message.flags & client::cleanup_flag::kAutoUtf8) != 0) message.smtputf8 |= queue::smtputf8::kRequested;
}

void note_transfer_encoding(Transaction& message, std::string_view value) {
  if (!message.settings.detect_8bit_encoding) return;
  // As Postfix: no encoding is known by a word that something follows, a blank either.
  const std::string_view word = base::trim_left(value);
  if (base::equals_folded(word, "8bit") || base::equals_folded(word, "binary")) message.encoding = "8bit";
}

}  // namespace cleanup
