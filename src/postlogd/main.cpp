#include "config/param.h"
#include "postlogd/postlogd.h"
#include "service/service.h"

int main(int argc, char** argv) {
  return service::run(argc, argv,
                      {.program = "postlogd",
                       .clients = service::Clients::datagrams,
                       .processes = service::Processes::exactly_one,
                       .lives_on = true,
                       .watchdog = config::param::postlogd_watchdog_timeout,
                       .open = postlogd::open});
}
