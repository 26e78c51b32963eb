// The same content in one piece and in several must make the same records.
#include <cstdint>
#include <cstdlib>
#include <string>

#include "lib/smtpd_world.h"
#include "smtpd/content.h"

namespace {

std::string records_of(std::string_view text, std::size_t piece, bool dots) {
  smtpd_world::MemorySink sink;
  auto message = sink.begin(0);
  smtpd::Content content(*message, {.line_length_limit = 16, .size_limit = 0});
  while (!text.empty()) {
    const std::string_view part = text.substr(0, piece);
    const std::size_t taken = dots ? content.take_data(part) : (content.take_chunk(part), part.size());
    if (taken > part.size()) std::abort();
    if (dots && content.ended()) break;
    if (taken != part.size()) std::abort();
    text.remove_prefix(taken);
  }
  if (!dots) content.finish_chunks();
  std::string all;
  for (const auto& [type, data] : sink.begun.back()->records) {
    if (data.size() > 16 && data != "X-Mailbox-Line: ") std::abort();
    queue::append_record(all, type, data);
  }
  return all + (content.ended() ? "." : "");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const std::size_t piece = 1 + data[0] % 40;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  for (const bool dots : {false, true})
    if (records_of(text, text.size(), dots) != records_of(text, piece, dots)) std::abort();
  return 0;
}
