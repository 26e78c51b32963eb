#pragma once
// Queue files for tests, record by record.

#include <sys/mman.h>
#include <unistd.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "queue/message.h"
#include "queue/record.h"

namespace tests {

inline std::string record(char type, std::string_view data = {}) {
  std::string text;
  queue::append_record(text, static_cast<queue::RecordType>(type), data);
  return text;
}

// A file without a name that has this content, open for reading and writing.
inline base::Fd file_of(std::string_view content) {
  base::Fd fd(::memfd_create("message", MFD_CLOEXEC));
  if (::write(fd.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) fd.reset();
  return fd;
}

// What cleanup writes: a size record, the envelope, the content, the extracted segment.
struct MessageText {
  std::vector<std::string> envelope = {record('T', "1795258988 27007"), record('A', "create_time=1795258990"),
                                       record('A', "rewrite_context=local"), record('S', "sender@a.example")};
  std::vector<std::string> recipients = {record('R', "one@b.example")};
  std::vector<std::string> content = {record('N', "Subject: test"), record('N'), record('N', "text")};
  std::vector<std::string> extracted;
  int hints = 0;

  std::string text() const {
    std::string segments[3];
    for (const auto& part : envelope) segments[0] += part;
    for (const auto& part : recipients) segments[0] += part;
    segments[0] += record('M');
    for (const auto& part : content) segments[1] += part;
    for (const auto& part : extracted) segments[2] += part;
    queue::Sizes sizes;
    sizes.message = static_cast<std::int64_t>(segments[1].size());
    sizes.content = sizes.message;
    sizes.data_offset = static_cast<std::int64_t>(queue::encoded_size(95) + segments[0].size());
    for (const auto& part : recipients) sizes.recipients += part[0] == 'R' || part[0] == 'D';
    for (const auto& part : extracted) sizes.recipients += part[0] == 'R';
    sizes.hints = hints;
    return record('C', sizes.text()) + segments[0] + segments[1] + record('X') + segments[2] + record('E');
  }
};

}  // namespace tests
