// What decodes is the one encoding of its bytes; any bytes survive encoding.

#include <cstdint>
#include <cstdlib>

#include "sasl/base64.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = sasl::decode_base64(text); bytes && sasl::encode_base64(*bytes) != text) std::abort();
  if (sasl::decode_base64(sasl::encode_base64(text)) != text) std::abort();
  return 0;
}
