// What servers of tcp and socketmap tables answer.
#include "table/server_reply.h"

#include <cstdint>
#include <cstdlib>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto reply = table::parse_tcp_reply(text);
  if (reply && reply->text.contains('\0')) std::abort();
  if (table::parse_socketmap_reply(text).text.contains('\0')) std::abort();
  const std::string request = table::tcp_request(text);
  if (request.find('\n') != request.size() - 1 || request.find(' ') != request.rfind(' ')) std::abort();
  return 0;
}
