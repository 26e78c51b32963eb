// Xtext, status codes and wrapped paragraphs.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "base/text.h"
#include "mail/text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (!text.contains('\0') && mail::from_xtext(mail::to_xtext(text)) != text) std::abort();
  if (const auto plain = mail::from_xtext(text); plain && plain->contains('\0')) std::abort();
  const auto split = mail::split_status(text, "4.3.0");
  if (!mail::is_status_code(split.code) || split.code[0] != '4') std::abort();
  const std::size_t width = size % 90;
  for (const std::string& line : mail::wrap(text, width, size % 3, 4)) {
    // Longer only for a word that does not fit.
    if (line.size() > width && base::trim(line).find_first_of(base::kBlanks) != std::string_view::npos) std::abort();
  }
  return 0;
}
