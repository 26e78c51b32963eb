#pragma once
// The address headers of RFC 5322, taken apart into tokens and put together again: comments, quoted strings, groups,
// route addresses. Everything is bounded; nothing is lost that was understood, and what was not comes back as it was.

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

enum class TokenKind { atom, quoted_string, comment, domain_literal, special, address };
struct Token {
  TokenKind kind;
  std::string text;  // quoted strings and comments without their delimiters, escapes kept as written
};
// At most `most` tokens (header_address_token_limit): the rest of the text is one last atom.
std::vector<Token> tokenize(std::string_view text, std::size_t most);

// One mailbox of an address list.
struct HeaderAddress {
  std::string external;  // "\"a b\"@x.example": as written between < and >, or bare
};

// The addresses in a header's value, in order, groups looked into: what sendmail -t sends to.
std::vector<std::string> addresses_in(std::string_view header_value, std::size_t most);

// The value with each address replaced by what `rewrite` makes of it (external forms), an empty address list included.
// When no address changes the result is the input. Otherwise the list is written anew, one address after another, and
// folded as Postfix does: at commas, lines no longer than 60 where that can be.
std::string rewrite_addresses(std::string_view header_value, std::size_t most,
                              const std::function<std::string(const std::string& external)>& rewrite);

// A phrase that needs quotes gets them: Full Name, "Doe, John".
std::string quoted_phrase(std::string_view text);

}  // namespace mail
