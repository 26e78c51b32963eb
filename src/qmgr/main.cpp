#include "config/param.h"
#include "qmgr/server.h"

int main(int argc, char** argv) {
  return service::run(
      argc, argv,
      {.program = "qmgr",
       .clients = service::Clients::triggers,
       .processes = service::Processes::exactly_one,
       .client_limit = 1000,  // each cleanup process keeps a connection
       .lives_on = true,
       .watchdog = config::param::qmgr_daemon_timeout,
       .open = [](const service::Context& context) { return std::make_unique<qmgr::Server>(context); }});
}
