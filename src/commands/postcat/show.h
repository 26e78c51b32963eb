#pragma once
// A queue file's records as text.

#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "queue/record.h"

namespace postcat {

struct Shown {
  bool envelope = true;
  bool header = true;
  bool body = true;
  bool offsets = false;       // -o
  bool types = false;         // -d
  bool names = false;         // -f: the file's name before each line
  bool file_order = false;    // -r: pointers are shown, not followed
  bool every_record = false;  // -v: pointers and padding too, and names before lines of text
  std::int64_t start = 0;     // -s
};

// Hands the text over in pieces. The error is what is wrong with the file; what could be read was shown before. What is
// merely odd is logged as a warning.
using Print = std::function<void(std::string_view)>;
std::expected<void, queue::BadRecord> show(int fd, const std::string& name, const Shown& shown, const Print& print);

}  // namespace postcat
