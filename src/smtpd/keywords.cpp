#include "smtpd/keywords.h"

#include <array>

#include "base/text.h"

namespace smtpd {

namespace {

struct Name {
  std::string_view text;
  Keyword keyword;
};
constexpr std::array kNames = {
    Name{"8bitmime", Keyword::eight_bit_mime},
    Name{"auth", Keyword::auth},
    Name{"chunking", Keyword::chunking},
    Name{"dsn", Keyword::dsn},
    Name{"enhancedstatuscodes", Keyword::enhanced_status_codes},
    Name{"etrn", Keyword::etrn},
    Name{"pipelining", Keyword::pipelining},
    Name{"requiretls", Keyword::requiretls},
    Name{"silent-discard", Keyword::silent_discard},
    Name{"size", Keyword::size},
    Name{"smtputf8", Keyword::smtputf8},
    Name{"starttls", Keyword::starttls},
    Name{"verp", Keyword::verp},
    Name{"vrfy", Keyword::vrfy},
    Name{"xclient", Keyword::xclient},
    Name{"xforward", Keyword::xforward},
};

}  // namespace

Keywords parse_keywords(std::string_view words, std::vector<std::string>* unknown) {
  Keywords result;
  for (const std::string_view word : base::split(words)) {
    bool known = false;
    for (const Name& name : kNames) {
      if (!base::equals_folded(word, name.text)) continue;
      result.add(name.keyword);
      known = true;
    }
    if (!known && unknown != nullptr) unknown->emplace_back(word);
  }
  return result;
}

std::string names_of(Keywords keywords) {
  std::string result;
  for (const Name& name : kNames) {
    if (!keywords.has(name.keyword)) continue;
    if (!result.empty()) result += ' ';
    result += name.text;
  }
  return result;
}

}  // namespace smtpd
