// A file's records: whatever is in it, reading ends, and what a record says of itself is so.

#include <cstdlib>

#include "lib/message_text.h"
#include "queue/record.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using queue::RecordReader;
  const std::string content(data, data + size);
  const base::Fd fd = tests::file_of(content);
  for (const auto pointers : {RecordReader::Pointers::follow, RecordReader::Pointers::show}) {
    RecordReader reader(fd.get(), "file", 0, pointers);
    std::size_t steps = 0;
    while (true) {
      const auto next = reader.next();
      if (!next || !*next) break;
      const auto offset = static_cast<std::size_t>((*next)->offset);
      if (content.at(offset) != static_cast<char>((*next)->type)) std::abort();
      if (content.substr(offset).find((*next)->data) == std::string::npos) std::abort();
      // Forward only without pointers; with them no more than 10,000 rounds.
      if (++steps > (pointers == RecordReader::Pointers::show ? size : (size + 1) * 10001)) std::abort();
    }
  }
  // The same bytes as a stream, in pieces, are the same records.
  queue::RecordDecoder decoder(2048);
  for (std::size_t start = 0; start < size; start += 7) {
    decoder.feed(std::string_view(content).substr(start, 7));
    while (true) {
      const auto next = decoder.next();
      if (!next) return 0;
      if (!*next) break;
      std::string again;
      queue::append_record(again, (*next)->type, (*next)->data);
      if (again.size() != queue::encoded_size((*next)->data.size())) std::abort();
    }
  }
  return 0;
}
