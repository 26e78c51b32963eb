#pragma once
// Who is told what: the notices that a message's log is turned into. Pure.

#include <optional>
#include <string>
#include <vector>

#include "bounce/letter.h"

namespace bounce {

struct Plan {
  std::vector<Letter> letters;
  bool dropped = false;  // of a notice for the postmaster: nobody is left to tell
};

// `message_size` decides whether the whole message goes back.
Plan plan(const client::NoticeRequest& request, std::vector<queue::StatusEntry> entries, std::int64_t message_size,
          const Settings& settings);

// "sender non-delivery notification", as the log has it.
std::string_view log_name(const Letter& letter);

}  // namespace bounce
