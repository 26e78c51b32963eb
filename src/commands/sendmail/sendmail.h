#pragma once
// sendmail(1): mail from users and their programs, and the commands that Sendmail had under this name.

#include <span>
#include <string>

namespace sendmail {

int run(const std::string& name, std::span<char*> arguments);

}  // namespace sendmail
