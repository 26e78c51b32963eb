#pragma once
// A recipient's address as local delivery sees it: a name of this machine, perhaps with an extension. Pure.

#include <string>
#include <string_view>

#include "table/search.h"

namespace local {

struct Recipient {
  std::string address;         // as the envelope has it, without a leading backslash
  std::string domain;          // behind the last @; empty when there is none
  std::string local;           // in front of it, in lower case: "jane+lists"
  std::string user;            // "jane"; empty for an address without a name
  std::string extension;       // "lists", without its delimiter
  std::string delimiter;       // "+"; empty without an extension
  bool to_mailbox = false;     // "\jane": no alias and no .forward comes in between
  bool bad_extension = false;  // with a slash in it: left out
};
Recipient parse_recipient(std::string_view address, const table::Delimiters& delimiters);

}  // namespace local
