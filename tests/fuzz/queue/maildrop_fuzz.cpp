// What a user sends to postdrop: what is let through is let through again, and cannot be taken for anything else.

#include <cstdlib>

#include "queue/maildrop.h"

namespace {

std::string filtered(std::string_view stream, bool& whole) {
  queue::RecordDecoder decoder(2048);
  decoder.feed(stream);
  queue::MaildropFilter filter(2048);
  std::string kept;
  whole = false;
  while (!filter.ended()) {
    const auto next = decoder.next();
    if (!next || !*next) return kept;
    const auto verdict = filter.take((*next)->type, (*next)->data);
    if (!verdict) return kept;
    if (!verdict->keep) continue;
    if (verdict->data.find('\n') != std::string_view::npos) std::abort();
    queue::append_record(kept, (*next)->type, verdict->data);
  }
  whole = filter.complete().has_value();
  return kept;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  bool whole = false;
  const std::string kept = filtered({reinterpret_cast<const char*>(data), size}, whole);
  bool again_whole = false;
  const std::string again = filtered(kept, again_whole);
  if (whole && (!again_whole || again != kept)) std::abort();
  return 0;
}
