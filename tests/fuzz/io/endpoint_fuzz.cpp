// An endpoint that is accepted has the parts that it must have, and says the same when it is written out and read
// again.

#include <cstdint>
#include <cstdlib>

#include "io/socket.h"

namespace {

void require(bool truth) {
  if (!truth) std::abort();
}

std::string written(const io::Endpoint& endpoint) {
  if (endpoint.type == io::Endpoint::Type::unix_stream) return "unix:" + endpoint.path;
  const bool brackets = endpoint.host.find_first_of(":%") != std::string::npos;
  return "inet:" + (brackets ? "[" + endpoint.host + "]" : endpoint.host) + ":" + endpoint.port;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const std::string_view type : {"inet", "unix"}) {
    const auto endpoint = io::parse_endpoint(text, type);
    if (!endpoint) {
      require(endpoint.error().text.starts_with("bad endpoint \"") && endpoint.error().text.size() < 1000);
      continue;
    }
    const auto again = io::parse_endpoint(written(*endpoint), type);
    require(again.has_value() && again->type == endpoint->type && again->host == endpoint->host &&
            again->port == endpoint->port && again->path == endpoint->path);
    require(endpoint->type == io::Endpoint::Type::inet ? !endpoint->port.empty() : !endpoint->path.empty());
  }
  return 0;
}
