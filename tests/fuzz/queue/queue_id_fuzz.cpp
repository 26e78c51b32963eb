// Names of files: an id is fit for a path, and its parts go together again.

#include <cstdlib>

#include "queue/flush_log.h"
#include "queue/id.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto name = queue::flush_log_name(text); name && !queue::Id::parse(*name)) std::abort();
  const auto id = queue::Id::parse(text);
  if (!id) return 0;
  if (id->text().find_first_of(std::string_view("/.\0", 3)) != std::string::npos) std::abort();
  for (int depth = 0; depth < 8; ++depth) {
    if (id->hash_directory(depth).size() != static_cast<std::size_t>(depth) * 2) std::abort();
  }
  if (id->inode()) {
    const auto other = id->with_inode(4711);
    if (other.inode() != 4711 || other.is_long() != id->is_long() || !queue::Id::parse(other.text())) std::abort();
    if (id->time() && other.time()->seconds != id->time()->seconds) std::abort();
  }
  return 0;
}
