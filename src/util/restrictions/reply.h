#pragma once
// What a client is told, and whose trouble it is.

#include <string>

namespace restrictions {

struct Reply {
  int code = 0;
  std::string status;        // "5.7.1"
  std::string text;          // "<u@x.example>: Relay access denied"
  std::string line() const;  // "554 5.7.1 <u@x.example>: Relay access denied"
};

// For notify_classes. What is our own fault is never turned into a warning by warn_if_reject.
enum class Trouble { policy, bounce, resource, software, data };

// Said instead of "accepted", should it come to that.
struct Deferral {
  Trouble trouble = Trouble::policy;
  Reply reply;
};

}  // namespace restrictions
