#pragma once
// Base64 as SASL over SMTP has it: one line, padded, nothing else in it.

#include <optional>
#include <string>
#include <string_view>

namespace sasl {

std::string encode_base64(std::string_view bytes);

// Nothing for what is not the one encoding of some bytes: wrong length, foreign characters, padding where none belongs,
// or bits set that padding makes meaningless.
std::optional<std::string> decode_base64(std::string_view text);

}  // namespace sasl
