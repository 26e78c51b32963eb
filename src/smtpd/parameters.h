#pragma once
// What stands behind the address of MAIL and RCPT, and the address itself. Pure: text in, values or the reply out.

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "smtpd/reply.h"
#include "smtpd/transaction.h"

namespace smtpd {

// `[<]address[>]` as a client types it, or a list as headers have it that holds one address or none (the empty one).
// Nothing: it is none of these. Strict: in brackets, and an address only.
struct TypedAddress {
  std::string address;  // internal form
  std::string typed;    // without the outer brackets: what a notice calls the original recipient
};
std::optional<TypedAddress> parse_address(std::string_view typed, bool strict);
// Whether its quotes and brackets are closed; what is not is no address.
bool is_closed(std::string_view typed);

// Whether there can be no doubt about the syntax of an address in internal form: plain local part and host name. What
// is not plain must be looked at by the router.
bool is_plain_address(std::string_view address);

struct MailParameters {
  Encoding encoding = Encoding::unknown;
  std::optional<long> size;
  int dsn_return = 0;
  std::string envelope_id;
  std::optional<std::string> sasl_sender;      // AUTH=, decoded; "<>" when the client does not tell
  std::optional<std::string> verp_delimiters;  // XVERP; empty: the default ones
  bool smtputf8 = false;
  bool requiretls = false;
};
struct Offered {  // to this client now
  bool dsn = true;
  bool smtputf8 = true;
  bool requiretls = false;
  bool verp = false;
  std::string_view verp_filter = "-=+";  // verp_delimiter_filter
};
// The error is a refusal.
std::expected<MailParameters, Reply> parse_mail_parameters(std::span<const std::string_view> words,
                                                           const Offered& offered);

struct RecipientParameters {
  int notify = 0;
  std::string original_recipient;  // "rfc822;a+b@c", decoded
};
std::expected<RecipientParameters, Reply> parse_recipient_parameters(std::span<const std::string_view> words,
                                                                     const Offered& offered);

// "FROM:<a@b>" or "FROM: <a@b>": what follows the colon, as the first word and the rest. Nothing: another syntax.
struct Argument {
  std::string_view address;
  std::span<const std::string_view> parameters;
};
std::optional<Argument> argument_of(std::span<std::string_view> words, std::string_view keyword);

}  // namespace smtpd
