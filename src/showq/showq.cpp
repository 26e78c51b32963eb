#include "showq/showq.h"

#include "config/param.h"
#include "io/stream.h"
#include "showq/listing.h"

namespace showq {

namespace {

namespace param = config::param;

class Lister : public service::Server {
 public:
  explicit Lister(const service::Context& context)
      : spool_(queue::SpoolSettings::from(context.config)),
        empty_address_(context.config[param::empty_address_recipient]),
        timeout_(context.config[param::ipc_timeout]),
        // Of a postqueue that finds the mail system down.
        always_detailed_(context.stand_alone && context.arguments == std::vector<std::string>{"details"}) {}

  // A client says nothing: who connects is told, in Postfix's form, or in the longer one of our own postqueue.
  void serve(service::Client client) override {
    const bool detailed = always_detailed_ || asks_for_details(client.fd.get());
    const Form form = detailed ? Form::detailed : Form::classic;
    io::Stream stream(std::move(client.fd), 64 * 1024);
    stream.set_deadline(io::Deadline::after(timeout_));
    Listing(spool_, stream, {form, empty_address_}, timeout_).write();
    stream.flush();
  }

 private:
  queue::Spool spool_;
  std::string empty_address_;
  base::Seconds timeout_;
  bool always_detailed_;
};

}  // namespace

std::unique_ptr<service::Server> open(const service::Context& context) {
  return std::make_unique<Lister>(context);
}

}  // namespace showq
