#pragma once
// The headers that mail standards ask for and the sender left out.

#include <string>
#include <string_view>

#include "cleanup/transaction.h"

namespace cleanup {

// Which of those that matter here a message has.
struct PresentHeaders {
  bool message_id = false;
  bool date = false;
  bool from = false;
  bool resent = false;  // any Resent-* that mail standards know
  bool resent_message_id = false;
  bool resent_date = false;
  bool resent_from = false;
  bool visible_recipient = false;  // To, Cc, Resent-To, Resent-Cc
  void note(std::string_view name);
};

// At the end of the primary header. Logs message-id=<> for a message that has and gets none.
void add_missing_headers(Transaction& message, const PresentHeaders& present);

// The value of a From: header that is made here: the sender with its full name.
std::string from_value(const Transaction& message);

// Text with other than ASCII characters as RFC 2047 encoded words, Q or B by which is shorter, each at most 75 bytes,
// folded. UTF-8 is never cut within a character.
std::string encoded_words(std::string_view text, std::string_view charset);

}  // namespace cleanup
