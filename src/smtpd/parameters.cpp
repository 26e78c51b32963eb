#include "smtpd/parameters.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"
#include "mail/header_tokens.h"
#include "mail/text.h"
#include "queue/message.h"
#include "smtpd/command_line.h"

namespace smtpd {

namespace {

constexpr std::size_t kMostTokens = 1000;

std::unexpected<Reply> refuse(int code, std::string_view status, std::string_view text) {
  return std::unexpected(Reply{.code = code, .status = std::string(status), .text = std::string(text)});
}

std::unexpected<Reply> unsupported(std::string_view word) {
  return refuse(555, "5.5.4", fmt::format("Unsupported option: {}", base::printable(word)));
}

// "NAME=value"; the name alone has no value.
struct Option {
  std::string_view name;
  std::optional<std::string_view> value;
};
Option option_of(std::string_view word) {
  const std::size_t equals = word.find('=');
  if (equals == std::string_view::npos) return {word, std::nullopt};
  return {word.substr(0, equals), word.substr(equals + 1)};
}

// What may go into queue files and headers.
bool is_line_safe(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) >= ' ' && c != 0x7F; });
}

// RFC 6533: \x{HEX} in text that may be UTF-8.
std::optional<std::string> from_unicode_xtext(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    if (!text.starts_with("\\x{")) {
      result += text[0];
      text.remove_prefix(1);
      continue;
    }
    const std::size_t end = text.find('}');
    if (end == std::string_view::npos || end == 3 || end > 3 + 6) return std::nullopt;
    unsigned code = 0;
    for (const char c : text.substr(3, end - 3)) {
      const char low = base::to_lower(c);
      if (base::is_digit(c))
        code = code * 16 + static_cast<unsigned>(c - '0');
      else if (low >= 'a' && low <= 'f')
        code = code * 16 + static_cast<unsigned>(low - 'a') + 10;
      else
        return std::nullopt;
    }
    text.remove_prefix(end + 1);
    if (code < 0x20 || code > 0x10FFFF || (code >= 0xD800 && code < 0xE000)) return std::nullopt;
    const auto byte = [&result](unsigned value) { result += static_cast<char>(value); };
    if (code < 0x80) {
      byte(code);
    } else if (code < 0x800) {
      byte(0xC0 | (code >> 6));
      byte(0x80 | (code & 0x3F));
    } else if (code < 0x10000) {
      byte(0xE0 | (code >> 12));
      byte(0x80 | ((code >> 6) & 0x3F));
      byte(0x80 | (code & 0x3F));
    } else {
      byte(0xF0 | (code >> 18));
      byte(0x80 | ((code >> 12) & 0x3F));
      byte(0x80 | ((code >> 6) & 0x3F));
      byte(0x80 | (code & 0x3F));
    }
  }
  if (!base::is_valid_utf8(result)) return std::nullopt;
  return result;
}

std::optional<int> notify_flags(std::string_view value) {
  int flags = 0;
  for (const std::string_view word : base::split(value, ", ")) {
    int flag = 0;
    if (base::equals_folded(word, "NEVER"))
      flag = queue::notify::kNever;
    else if (base::equals_folded(word, "SUCCESS"))
      flag = queue::notify::kSuccess;
    else if (base::equals_folded(word, "FAILURE"))
      flag = queue::notify::kFailure;
    else if (base::equals_folded(word, "DELAY"))
      flag = queue::notify::kDelay;
    if (flag == 0) {
      logging::warning("smtpd.notify", "unknown DSN NOTIFY command value \"{word}\" in \"{value}\"",
                       {{"word", base::printable(word)}, {"value", base::printable(value)}});
      return std::nullopt;
    }
    flags |= flag;
  }
  const bool never = (flags & queue::notify::kNever) != 0;
  if (flags == 0 || (never && flags != queue::notify::kNever)) return std::nullopt;
  return flags;
}

std::optional<std::string> original_recipient(std::string_view value) {
  const std::size_t semicolon = value.find(';');
  if (semicolon == std::string_view::npos || semicolon == 0) return std::nullopt;
  const std::string_view type = value.substr(0, semicolon);
  const std::string_view encoded = value.substr(semicolon + 1);
  const auto decoded = base::equals_folded(type, "utf-8") ? from_unicode_xtext(encoded) : mail::from_xtext(encoded);
  if (!decoded || !is_line_safe(*decoded) || !is_line_safe(type)) return std::nullopt;
  return fmt::format("{};{}", type, *decoded);
}

}  // namespace

// --- the address

namespace {

// What stands between the brackets, as it was typed; nothing when these are not the first and the last byte.
std::optional<std::string_view> in_brackets(std::string_view typed) {
  if (typed.size() < 2 || typed.front() != '<' || typed.back() != '>') return std::nullopt;
  return typed.substr(1, typed.size() - 2);
}

// A source route says nothing that anyone heeds.
std::string_view without_route(std::string_view inner) {
  const std::size_t colon = inner.find(':');
  return inner.starts_with('@') && colon != std::string_view::npos ? inner.substr(colon + 1) : inner;
}

// A list may only hold one address, made of words and operators in turns.
bool is_address(const std::vector<mail::Token>& tokens) {
  for (std::size_t i = 0; i < tokens.size(); ++i) {
    const mail::Token& token = tokens[i];
    const bool is_word = token.kind != mail::TokenKind::special;
    if (!is_word && std::string_view("<>,;").contains(token.text[0])) return false;
    if (is_word && i > 0 && tokens[i - 1].kind != mail::TokenKind::special) return false;
  }
  return true;
}

}  // namespace

bool is_closed(std::string_view typed) {
  Nesting nesting;
  for (const char c : typed) nesting.take(c);
  return !nesting.is_open();
}

std::optional<TypedAddress> parse_address(std::string_view typed, bool strict) {
  if (!is_closed(typed)) return std::nullopt;
  const auto bracketed = in_brackets(typed);
  if (strict && !bracketed) return std::nullopt;
  const std::string_view inner = bracketed.value_or(typed);
  const auto list = mail::address_list(without_route(inner), kMostTokens);
  if (!list || list->addresses.size() > 1 || (strict && list->has_more)) return std::nullopt;
  if (list->addresses.empty()) return TypedAddress();
  const std::vector<mail::Token>& tokens = list->addresses.front();
  if (!is_address(tokens)) return std::nullopt;
  TypedAddress result{.address = mail::internal_text(tokens), .typed = std::string(inner)};
  // Records and log lines are lines.
  constexpr std::string_view kLineEnds("\0\r\n", 3);
  if (result.address.find_first_of(kLineEnds) != std::string::npos) return std::nullopt;
  if (strict && result.address.starts_with('@')) return std::nullopt;
  if (inner.find_first_of(kLineEnds) != std::string_view::npos) result.typed = mail::quote(result.address);
  return result;
}

bool is_plain_address(std::string_view address) {
  const std::size_t at = address.find('@');
  if (at == std::string_view::npos || at == 0) return false;
  const std::string_view local = address.substr(0, at);
  const std::string_view domain = address.substr(at + 1);
  const auto is_word = [](char c) { return base::is_alnum(c) || c == '_' || c == '+' || c == '=' || c == '-'; };
  if (!is_word(local.front()) || local.front() == '-') return false;
  bool after_dot = false;
  for (const char c : local) {
    if (c == '.') {
      if (after_dot) return false;
      after_dot = true;
    } else {
      if (!is_word(c)) return false;
      after_dot = false;
    }
  }
  if (after_dot || domain.empty() || !base::is_alpha(domain.back())) return false;
  return mail::is_valid_hostname(domain);
}

std::optional<Argument> argument_of(std::span<std::string_view> words, std::string_view keyword) {
  if (words.empty() || !base::starts_with_folded(words[0], keyword)) return std::nullopt;
  std::string_view first = words[0].substr(keyword.size());
  if (first.starts_with(':')) {
    first.remove_prefix(1);
  } else {
    return std::nullopt;
  }
  if (!first.empty()) return Argument{first, words.subspan(1)};
  if (words.size() < 2) return std::nullopt;
  return Argument{words[1], words.subspan(2)};
}

// --- the parameters

std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                           const Offered& offered) {
  MailParameters result;
  for (const std::string_view word : words) {
    const auto [name, value] = option_of(word);
    if (value && base::equals_folded(name, "BODY")) {
      if (base::equals_folded(*value, "8BITMIME"))
        result.encoding = Encoding::eight_bit;
      else if (base::equals_folded(*value, "7BIT"))
        result.encoding = Encoding::seven_bit;
      else
        return unsupported(word);
    } else if (value && base::equals_folded(name, "SIZE")) {
      if (!base::all_digits(*value)) return refuse(501, "5.5.4", "Bad message size syntax");
      const auto size = base::to_long(*value);
      if (!size) return refuse(552, "5.3.4", "Message size exceeds file system imposed limit");
      result.size = size;
    } else if (!value && offered.smtputf8 && base::equals_folded(name, "SMTPUTF8")) {
      result.smtputf8 = true;
    } else if (!value && offered.requiretls && base::equals_folded(name, "REQUIRETLS")) {
      result.requiretls = true;
    } else if (value && base::equals_folded(name, "AUTH")) {
      if (result.sasl_sender) return refuse(503, "5.5.4", "Error: multiple AUTH= options");
      const auto decoded = mail::from_xtext(*value);
      if (!decoded || !is_line_safe(*decoded)) return refuse(501, "5.5.4", "Error: Bad AUTH parameter syntax");
      result.sasl_sender = *decoded == "<>" ? "" : *decoded;  // nobody who would be known
    } else if (value && base::equals_folded(name, "RET")) {
      if (!offered.dsn) return refuse(501, "5.7.1", "DSN support is disabled");
      const bool full = base::equals_folded(*value, "FULL");
      if (result.dsn_return != 0 || (!full && !base::equals_folded(*value, "HDRS")))
        return refuse(501, "5.5.4", "Bad RET parameter syntax");
      result.dsn_return = full ? queue::dsn_return::kFull : queue::dsn_return::kHeaders;
    } else if (value && base::equals_folded(name, "ENVID")) {
      if (!offered.dsn) return refuse(501, "5.7.1", "DSN support is disabled");
      const auto decoded = mail::from_xtext(*value);
      if (!result.envelope_id.empty() || !decoded || decoded->empty() || !base::is_ascii(*decoded) ||
          !is_line_safe(*decoded))
        return refuse(501, "5.5.4", "Bad ENVID parameter syntax");
      result.envelope_id = *decoded;
    } else if (offered.verp && base::equals_folded(name, "XVERP")) {
      if (value && (value->size() != 2 || value->find_first_not_of(offered.verp_filter) != std::string_view::npos))
        return refuse(501, "5.5.4", fmt::format("Error: XVERP needs two characters from {}", offered.verp_filter));
      result.verp_delimiters = value ? std::string(*value) : std::string();
    } else {
      return unsupported(word);
    }
  }
  return result;
}

std::expected<RecipientParameters, Reply> parse_recipient_parameters(std::span<const std::string_view> words,
                                                                     const Offered& offered) {
  RecipientParameters result;
  for (const std::string_view word : words) {
    const auto [name, value] = option_of(word);
    if (value && base::equals_folded(name, "NOTIFY")) {
      if (!offered.dsn) return refuse(501, "5.7.1", "DSN support is disabled");
      const auto flags = notify_flags(*value);
      if (result.notify != 0 || !flags) return refuse(501, "5.5.4", "Error: Bad NOTIFY parameter syntax");
      result.notify = *flags;
    } else if (value && base::equals_folded(name, "ORCPT")) {
      if (!offered.dsn) return refuse(501, "5.7.1", "DSN support is disabled");
      const auto original = original_recipient(*value);
      if (!result.original_recipient.empty() || !original)
        return refuse(501, "5.5.4", "Error: Bad ORCPT parameter syntax");
      result.original_recipient = *original;
    } else {
      return unsupported(word);
    }
  }
  return result;
}

}  // namespace smtpd
