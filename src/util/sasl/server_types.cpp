// Apart from the back ends, so that a command which only names them does not load their libraries.

#include <array>

#include "sasl/backends.h"

namespace sasl {

std::vector<std::string_view> server_types() {
  return {kServerTypes.begin(), kServerTypes.end()};
}

}  // namespace sasl
