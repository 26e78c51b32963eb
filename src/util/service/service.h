#pragma once
// What every daemon shares: from the arguments that master gives it, by way of its configuration, privileges and
// chroot, to serving clients and going away in good order. A daemon's main.cpp says what it is and how it serves:
//
//   int main(int argc, char** argv) {
//     return service::run(argc, argv, {.program = "discard", .open = [](const service::Context& context) {
//       return std::make_unique<discard::Server>(context);
//     }});
//   }

#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "config/config.h"
#include "config/master_cf.h"
#include "io/fiber.h"
#include "io/wait.h"

namespace service {

// What a server is told about its place. Outlives it.
struct Context {
  const config::Config& config;
  std::string program;       // "smtpd"
  std::string service_name;  // as in master.cf: "smtp", "submission", "defer"
  config::ServiceType type = config::ServiceType::unix_stream;
  std::vector<config::NameValue> overrides = {};  // -o
  std::vector<std::string> arguments;             // of master.cf, without options
  bool privileged = false;                        // runs as root by master.cf (unpriv = n) and started by root
  bool chrooted = false;
  bool stand_alone = false;  // -S: one client on descriptors 0 and 1, handed to serve() as one socket
  int log_pipe = -1;         // only for Clients::datagrams: where other programs' log lines come from; see take_lines()
};

// One accepted connection. Non-blocking, close-on-exec, TCP_NODELAY.
struct Client {
  base::Fd fd;
  // Arrived over a `pass` service: attributes that came with the descriptor.
  std::vector<std::pair<std::string, std::string>> attributes;
};

class Server {
 public:
  virtual ~Server() = default;

  // Once, in a fiber, after privileges were given up and before the first client. Fatal ends the process.
  virtual void start() {}

  // One client, in a fiber of its own, beside others up to the client limit. An io::StreamError that it lets through
  // ends this client and is logged at debug level; any other exception is logged as an error and ends this client, but
  // Fatal ends the process.
  // By default it is turned away: for programs that take triggers or datagrams only.
  virtual void serve(Client client);

  // A client was turned away, or left in the middle, because something had run out (memory, for one). What it wanted to
  // say is lost.
  virtual void missed_a_client() {}

  // Request letters from master's wake-up timer or anyone's trigger. Only for Clients::triggers: the frame reads them,
  // and hands connections that begin with an ipc frame mark to serve(). Runs in one fiber: never two at once, and what
  // arrives meanwhile is gathered into the next call.
  virtual void triggered(std::string_view requests);

  // Only for Clients::datagrams. Several may follow each other; no_more_datagrams() is called before the process waits.
  virtual void datagram(std::string_view text);
  virtual void no_more_datagrams() {}

  // Only when there is a Context::log_pipe: takes what is in it, and may pause before it returns, so that more gathers
  // for the next time. Called again at once while there was something, then when there is. `end`: never again.
  enum class Lines { something, nothing, end };
  virtual Lines take_lines() { return Lines::end; }

  // Asked now and then, and before a new client: a table or file differs from what was opened. The process then takes
  // no further client, finishes those it has, and is replaced. Logged as "table X has changed -- restarting".
  virtual std::string stale() { return {}; }

  // master asked to finish (reload), or the process is about to exit for any other good reason; no further client
  // comes. Runs in a fiber before the exit, within `deadline`.
  virtual void finish(io::Deadline deadline);

  // master says that all processes of the service are busy, or no longer (see master_link.h). In a fiber.
  virtual void stressed(bool is_stressed) { (void)is_stressed; }

  // Work of its own that keeps the process from going away when idle.
  virtual bool busy() const { return false; }
};

enum class Clients { streams, triggers, datagrams };
enum class Processes { any, exactly_one, unlimited };  // what master.cf must say for it
// keep: local, virtual, pipe, spawn; they become recipients. refuse: never root's, whatever master.cf says.
enum class Privileges { drop, keep, refuse };

struct Program {
  std::string program;
  Clients clients = Clients::streams;
  Processes processes = Processes::any;
  Privileges privileges = Privileges::drop;
  int client_limit = 0;                // at once; 0: <service>_client_limit, default_client_limit
  bool stand_alone_as_caller = false;  // with -S it stays who started it, and may run others
  // Instead of default_client_limit, where main.cf does not set <service>_client_limit.
  std::optional<config::IntegerKey> usual_client_limit = {};
  bool lives_on = false;                         // never goes away when idle or after max_use clients: qmgr, postlogd
  std::optional<config::TimeKey> watchdog = {};  // instead of daemon_timeout
  std::function<void(const Context&)> check =
      {};  // of what master.cf and main.cf say; throws base::Fatal. May be empty.
  // Opens tables and files, before chroot and as whoever started the process (root, when master is). Throws
  // base::Fatal.
  std::function<std::unique_ptr<Server>(const Context&)> open = {};
};

// Parses Postfix's daemon options (-c -d -D -i -l -m -n -o -s -S -t -u -v -V -z), loads main.cf, and serves.
// Descriptors are those of Postfix's contract: 3 and 4 the flow control pipe, 5 the status socket, 6... the listening
// sockets.
int run(int argc, char** argv, const Program& program);

// The token pipe by which qmgr slows new mail down to what it can take in (in_flow_delay). Without master: no-ops.
namespace flow {

// qmgr, for each message that it took from incoming.
void put(int tokens);
// qmgr, when nothing is left in incoming: makes up for tokens that were lost with a process, and takes out those that
// it gave for messages that had none.
void restore();

// cleanup's, for each message that comes in. Goes back to the pipe unless the message became qmgr's.
class Token {
 public:
  Token();
  Token(const Token&) = delete;
  Token& operator=(const Token&) = delete;
  ~Token();
  bool is_there() const { return is_there_; }  // otherwise: wait a moment before you take the message
  void pass_on() { passed_on_ = true; }

 private:
  bool is_there_;
  bool passed_on_ = false;
};

}  // namespace flow

}  // namespace service
