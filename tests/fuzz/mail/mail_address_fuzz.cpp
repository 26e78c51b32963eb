// Addresses: quoting loses nothing, and no text does harm.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "mail/address.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const std::string quoted = mail::quote(text);
  // A source route stays outside of the quotes, and is read back as a part of the domain.
  if (!text.starts_with('@') && mail::unquote(quoted) != text) std::abort();
  if (mail::quote(mail::unquote(quoted)) != quoted && !text.starts_with('@')) std::abort();
  (void)mail::unquote(text);
  const auto parts = mail::split(text);
  if (parts.local.size() + parts.domain.size() + (parts.has_at ? 1 : 0) != size) std::abort();
  if (mail::is_valid_hostname(text) && !mail::is_valid_hostname(text, mail::Utf8::yes)) std::abort();
  if (mail::is_numeric_domain(text) && mail::is_valid_hostname(text)) std::abort();
  (void)mail::is_valid_literal(text);
  for (const char c : mail::for_log(text, true)) {
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') std::abort();
  }
  return 0;
}
