#pragma once
// What the server says, as it goes to the client: code, enhanced code, text, and what main.cf adds to it.

#include <string>
#include <string_view>
#include <vector>

#include "smtpd/faults.h"

namespace smtpd {

struct Reply {
  int code = 0;
  std::string status = {};              // "2.1.0"; empty where SMTP has none (greeting, HELO, EHLO, 354, 334)
  std::string text = {};                // one line; see also `lines`
  std::vector<std::string> lines = {};  // EHLO: the lines after the first
  bool disconnect = false;              // the session ends with it
  bool forgiven = false;                // no error of the client's, whatever the code
  Fault fault = Fault::protocol;        // of an error, for notify_classes
  bool is_error() const { return code >= 400; }
  // As logged, and as sent but for line ends, footers and the 512 byte limit. The first digit of the enhanced code is
  // that of the code.
  std::string line() const;
};

// The reply of soft_bounce: 5xx becomes 4xx.
Reply softened(Reply reply);

// With its line ends, as it is sent.
std::string on_the_wire(const Reply& reply);

}  // namespace smtpd
