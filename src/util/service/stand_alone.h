#pragma once
// -S: a program that serves one client on its standard descriptors (`sendmail -bs`, `postqueue -p` without a mail
// system).

#include "service/process.h"

namespace service {

void run_stand_alone(Server& server, const Program& program, const Place& place);

}  // namespace service
