#include "smtpd/server.h"

int main(int argc, char** argv) {
  return service::run(argc, argv, {.program = "smtpd", .open = [](const service::Context& context) {
                                     return std::make_unique<smtpd::Server>(context);
                                   }});
}
