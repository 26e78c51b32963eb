#pragma once
// What can go wrong, as values and as the two exceptions that the whole system knows (the other is io::StreamError).

#include <stdexcept>
#include <string>
#include <string_view>

namespace base {

// A failure that the caller decides about. The text is a whole clause for a person: what, which file and line, why.
struct Error {
  std::string text;
};

// This program is over: its top level logs `fatal: <what>` once and exits non-zero.
class Fatal : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

// "<what>: <strerror(error_number)>"
std::string with_errno(std::string_view what, int error_number);
Error errno_error(std::string_view what);  // takes errno now

}  // namespace base
