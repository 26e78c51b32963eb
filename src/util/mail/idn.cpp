#include "mail/idn.h"

#include <idn2.h>

#include <memory>

#include "base/text.h"

namespace mail {

std::optional<std::string> ascii_domain(std::string_view domain) {
  if (base::is_ascii(domain)) return std::string(domain);
  if (!base::is_valid_utf8(domain) || domain.contains('\0')) return std::nullopt;
  const std::string text(domain);
  for (const int rules : {IDN2_NONTRANSITIONAL, IDN2_TRANSITIONAL}) {
    char* ascii = nullptr;
    const int status = ::idn2_to_ascii_8z(text.c_str(), &ascii, IDN2_NFC_INPUT | rules);
    const std::unique_ptr<char, void (*)(void*)> owner(ascii, ::idn2_free);
    if (status == IDN2_OK && ascii != nullptr) return std::string(ascii);
  }
  return std::nullopt;
}

}  // namespace mail
