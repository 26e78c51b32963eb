#pragma once
// Records in place, in a buffer that holds whole ones.

#include <cstddef>
#include <optional>
#include <string_view>

#include "queue/record.h"

namespace cleanup {

struct RecordView {
  queue::RecordType type;
  std::string_view data;
  std::string_view encoded;  // letter and length included
};

// Takes the first record off the front. Nothing: the buffer is empty, or what is left is no whole record.
inline std::optional<RecordView> take_record(std::string_view& from) {
  std::size_t length = 0;
  std::size_t at = 1;
  for (int shift = 0;; shift += 7) {
    if (at >= from.size() || shift >= 32) return std::nullopt;
    const auto byte = static_cast<unsigned char>(from[at++]);
    length |= static_cast<std::size_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) break;
  }
  if (length > from.size() - at) return std::nullopt;
  RecordView record{static_cast<queue::RecordType>(from[0]), from.substr(at, length), from.substr(0, at + length)};
  from.remove_prefix(at + length);
  return record;
}

}  // namespace cleanup
