// The attributes of a passed connection, from any bytes.

#include <cstdint>
#include <cstdlib>

#include "service/passed.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto list = service::parse_passed_attributes({reinterpret_cast<const char*>(data), size});
  if (!list) return 0;
  std::size_t total = 0;
  for (const auto& [name, value] : *list) total += name.size() + value.size() + 2;
  if (total > size) std::abort();
  return 0;
}
