#include "table/fold.h"

#include <unicase.h>

#include <cstdlib>
#include <memory>

#include "base/text.h"

namespace table {

std::string fold_key(std::string_view key, bool utf8) {
  if (!utf8 || base::is_ascii(key) || !base::is_valid_utf8(key)) return base::lower(key);
  std::size_t size = 0;
  const std::unique_ptr<std::uint8_t, decltype(&std::free)> folded(
      ::u8_casefold(reinterpret_cast<const std::uint8_t*>(key.data()), key.size(), nullptr, nullptr, nullptr, &size),
      &std::free);
  if (!folded) return base::lower(key);  // out of memory
  return {reinterpret_cast<const char*>(folded.get()), size};
}

}  // namespace table
