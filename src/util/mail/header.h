#pragma once
// Which header names mean something to a mail system.

#include <optional>
#include <string>
#include <string_view>

namespace mail {

// How a header takes part in rewriting and in the search for recipients.
enum class AddressClass { none, sender, recipient };
struct HeaderName {
  std::string_view name;  // "Reply-To"
  AddressClass rewritten;
  bool is_resent;         // Resent-*
  bool names_recipients;  // To Cc Bcc and their Resent- forms: sendmail -t
};
// Nothing for names that mean nothing. Case does not matter.
const HeaderName* known_header(std::string_view name);

// "Subject" of "Subject: x", also of "Subject : x"; nothing when the line is no header line. `value_start` is the index
// behind the colon.
struct HeaderStart {
  std::string_view name;
  std::size_t value_start;
};
std::optional<HeaderStart> header_start(std::string_view line);

// The value without line breaks, comments kept: "a\n b" is "a b".
std::string unfolded(std::string_view value);

}  // namespace mail
