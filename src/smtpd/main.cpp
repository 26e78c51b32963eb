#include "config/param.h"
#include "smtpd/server.h"

int main(int argc, char** argv) {
  return service::run(
      argc, argv,
      {.program = "smtpd",
       .privileges = service::Privileges::refuse,
       .stand_alone_as_caller = true,
       .usual_client_limit = config::param::smtpd_client_limit,
       .open = [](const service::Context& context) { return std::make_unique<smtpd::Server>(context); }});
}
