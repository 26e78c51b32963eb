#pragma once
// The address headers of RFC 5322, taken apart into tokens and put together again: comments, quoted strings, groups,
// route addresses. Everything is bounded; nothing is lost that was understood, and what was not comes back as it was.

#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace mail {

// special: one of ( ) < > @ , ; : \ " . [ ] and the routing operators ! and %.
enum class TokenKind { atom, quoted_string, comment, domain_literal, special };
struct Token {
  TokenKind kind;
  // Atoms, quoted strings and domain literals without escapes and delimiters; comments as they were written.
  std::string text;

  bool is(char c) const { return kind == TokenKind::special && text[0] == c; }
};
// At most `most` tokens (header_address_token_limit); what comes after them is left out.
std::vector<Token> tokenize(std::string_view text, std::size_t most);

// The text of tokens as an envelope has it: no quotes, no escapes, words set apart by one blank.
std::string internal_text(std::span<const Token> tokens);

// The addresses in a header's value, in order, groups looked into: what sendmail -t sends to. External forms, without
// comments.
std::vector<std::string> addresses_in(std::string_view header_value, std::size_t most);

// The same as tokens. `has_more`: there are commas, comments, phrases or groups, too. Nothing: there are more tokens.
struct AddressList {
  std::vector<std::vector<Token>> addresses;
  bool has_more = false;
};
std::optional<AddressList> address_list(std::string_view text, std::size_t most);

// What follows the colon of a header ("Name:", `name_width` bytes with the colon), each address in it replaced by what
// `rewrite` makes of it (external forms; the empty address stays). When no address changes the result is the input.
// Otherwise the list is written anew, beginning with a blank: one address after another, a comma between any two, the
// comments of an address behind it, and a new line with a tab where one would grow to 70 bytes. Where more than 250
// bytes stand around an address it is left alone, as <address>: mail programs have been attacked with such. `stripped`
// hears what stood there.
std::string rewrite_addresses(std::string_view header_value, std::size_t most,
                              const std::function<std::string(const std::string& external)>& rewrite,
                              std::size_t name_width = 0,
                              const std::function<void(std::string_view text)>& stripped = {});

// A phrase that needs quotes gets them: Full Name, "Doe, John".
std::string quoted_phrase(std::string_view text);

}  // namespace mail
