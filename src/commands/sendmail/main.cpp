#include <sysexits.h>

#include "command/command.h"
#include "sendmail/request.h"
#include "sendmail/sendmail.h"

int main(int argc, char** argv) {
  const std::string name = sendmail::program_name(argc > 0 ? argv[0] : "");
  return command::run(argc, argv, {.name = name, .fatal_status = EX_TEMPFAIL},
                      [&](std::span<char*> arguments) { return sendmail::run(name, arguments); });
}
