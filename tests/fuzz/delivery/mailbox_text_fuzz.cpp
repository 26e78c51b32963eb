// A queue file of anybody's making on its way into a mailbox: it is copied or it is corrupt.

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "delivery/agent.h"
#include "delivery/message_text.h"
#include "lib/message_text.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 64 * 1024) return 0;
  // The first byte says where the content begins.
  const std::int64_t start = data[0];
  std::string_view content(reinterpret_cast<const char*>(data), size);  // NOLINT: bytes are bytes
  content.remove_prefix(1);
  const queue::MessageFile message(tests::file_of(content), "fuzz");
  for (const auto form : {delivery::MailboxForm::mbox, delivery::MailboxForm::maildir}) {
    std::string text;
    try {
      (void)delivery::copy_message(message, start, "", form, [&](std::string_view piece) -> disk::Result<void> {
        if (text.size() + piece.size() > 16 * 1024 * 1024) return std::unexpected(disk::Error{28, "full"});
        text += piece;
        return {};
      });
      // Whatever the message says, no line of it may pass for the beginning of another one.
      const bool whole = text.size() <= 16 * 1024 * 1024;
      if (whole && form == delivery::MailboxForm::mbox && (text.starts_with("From ") || text.contains("\nFrom "))) {
        std::abort();
      }
    } catch (const delivery::Corrupt&) {
    }
  }
  try {
    delivery::for_each_header_line(message, start, [](std::string_view) { return true; });
  } catch (const delivery::Corrupt&) {
  }
  return 0;
}
