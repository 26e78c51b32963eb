// bounce, defer and trace logs: each entry that is read has what notices need.

#include <cstdlib>

#include "queue/status_log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view content(reinterpret_cast<const char*>(data), size);
  for (const auto log : {queue::Folder::bounce, queue::Folder::defer, queue::Folder::trace}) {
    for (const auto& entry : queue::parse_status(content, log)) {
      if (entry.status.empty() || entry.action.empty() || entry.reason.empty()) std::abort();
      if (entry.offset < 0 || entry.notify < 0 || entry.notify > 15) std::abort();
    }
  }
  return 0;
}
