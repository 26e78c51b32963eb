// postqueue and a showq that says anything, in pieces: text and JSON, or the one error that it has.

#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "base/text.h"
#include "logging/log.h"
#include "postqueue/listing.h"

namespace {

template <typename Printer, typename... More>
void print(std::string_view bytes, std::size_t piece, More... more) {
  std::string output;
  Printer printer([&](std::string_view part) { output += part; }, more...);
  postqueue::Reader reader(printer);
  try {
    for (std::size_t start = 0; start < bytes.size(); start += piece) reader.feed(bytes.substr(start, piece));
  } catch (const base::Fatal&) {
  }
  for (const char c : output) {
    if (static_cast<unsigned char>(c) < ' ' && c != '\n') std::abort();
  }
  if (!base::is_valid_utf8(output)) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const logging::Capture quiet;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece = data[0] + std::size_t{1};
  print<postqueue::TextPrinter>(bytes, piece, (data[0] & 1) != 0);
  print<postqueue::JsonPrinter>(bytes, piece);
  return 0;
}
