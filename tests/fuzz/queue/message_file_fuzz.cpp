// A queue file: its envelope, its recipients in batches, its content. All of it ends, and costs no more than the file.

#include <cstdlib>

#include "lib/message_text.h"
#include "queue/message.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  queue::MessageFile file(tests::file_of({reinterpret_cast<const char*>(data), size}), "file");
  const auto envelope = file.read_envelope();
  if (envelope && envelope->warning_offset < 0) std::abort();
  if (envelope && envelope->attributes.size() > 1000) std::abort();
  std::int64_t from = 0;
  std::size_t recipients = 0;
  do {
    const auto batch = file.read_recipients(from, 3);
    if (!batch) break;
    recipients += batch->recipients.size();
    if (recipients > size) std::abort();
    for (const auto& recipient : batch->recipients) {
      if (recipient.offset < 0 || static_cast<std::size_t>(recipient.offset) >= size) std::abort();
      if (data[recipient.offset] != 'R') std::abort();
    }
    from = batch->next;
  } while (from != 0);
  if (auto content = file.content()) {
    for (std::size_t i = 0; i <= size; ++i) {
      const auto next = content->next();
      if (!next || !*next) break;
    }
  }
  return 0;
}
