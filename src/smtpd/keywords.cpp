#include "smtpd/keywords.h"

#include <array>

#include "base/text.h"

namespace smtpd {

namespace {

struct Name {
  std::string_view text;
  Keyword keyword;
};
// In the order in which the log names them.
constexpr std::array kNames = {
    Name{"8BITMIME", Keyword::eight_bit_mime},
    Name{"PIPELINING", Keyword::pipelining},
    Name{"SIZE", Keyword::size},
    Name{"VRFY", Keyword::vrfy},
    Name{"ETRN", Keyword::etrn},
    Name{"AUTH", Keyword::auth},
    Name{"VERP", Keyword::verp},
    Name{"STARTTLS", Keyword::starttls},
    Name{"XCLIENT", Keyword::xclient},
    Name{"XFORWARD", Keyword::xforward},
    Name{"ENHANCEDSTATUSCODES", Keyword::enhanced_status_codes},
    Name{"DSN", Keyword::dsn},
    Name{"SMTPUTF8", Keyword::smtputf8},
    Name{"CHUNKING", Keyword::chunking},
    Name{"REQUIRETLS", Keyword::requiretls},
    Name{"SILENT-DISCARD", Keyword::silent_discard},
};

}  // namespace

Keywords parse_keywords(std::string_view words) {
  Keywords result;
  for (const std::string_view word : base::split(words)) {
    for (const Name& name : kNames)
      if (base::equals_folded(word, name.text)) result.add(name.keyword);
  }
  return result;
}

std::string names_of(Keywords keywords) {
  std::string result;
  for (const Name& name : kNames) {
    if (!keywords.has(name.keyword) || name.keyword == Keyword::silent_discard) continue;
    if (!result.empty()) result += ' ';
    result += name.text;
  }
  return result;
}

}  // namespace smtpd
