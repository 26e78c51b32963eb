// Address headers: every address is rewritten once, what is not an address stays, and the result is as bounded as the
// input.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mail/header.h"
#include "mail/header_tokens.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::size_t most : {std::size_t{5}, size + 1}) {
    if (mail::tokenize(text, most).size() > most) std::abort();
    if (mail::rewrite_addresses(text, most, [](const std::string& address) { return address; }) != text) std::abort();
    const std::size_t addresses = mail::addresses_in(text, most).size();
    std::size_t asked = 0;
    const std::string all_alike = mail::rewrite_addresses(text, most, [&](const std::string&) {
      ++asked;
      return std::string("u@h");
    });
    if (asked != addresses) std::abort();
    // Two bytes for a comma and its blank, a tab, quotes and escapes: at most a few for each byte that was there.
    if (all_alike.size() > 8 * size + 16) std::abort();
  }
  (void)mail::header_start(text);
  (void)mail::unfolded(text);
  (void)mail::internal_text(mail::tokenize(text, size));
  const std::string phrase = mail::quoted_phrase(text);
  if (mail::internal_text(mail::tokenize(phrase + " x", size + 2)).empty()) std::abort();
  return 0;
}
