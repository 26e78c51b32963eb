#pragma once
// What a request does, from reading the files to the text that is to be printed.

#include <string>
#include <vector>

#include "postconf/request.h"

namespace postconf {

struct Warning {
  std::string event;
  std::string text;
};
void tell(const std::vector<Warning>& warnings);

struct Outcome {
  std::string output;
  int status = 0;
  std::vector<Warning> after;  // to be told after the output, where the eye looks last
};

// Warnings about the request and the files are logged at once. Throws base::Fatal.
Outcome run(const Request& request);

}  // namespace postconf
