// From main() to serving.

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <exception>
#include <new>
#include <thread>

#include "base/error.h"
#include "command/open_logging.h"
#include "config/param.h"
#include "logging/log.h"
#include "service/flow.h"
#include "service/log_pipe.h"
#include "service/master_link.h"
#include "service/options.h"
#include "service/privileges.h"
#include "service/process.h"
#include "service/service.h"
#include "service/stand_alone.h"

namespace service {

namespace {

namespace param = config::param;

constexpr auto kSolitaryFinishTime = std::chrono::seconds(10);
constexpr int kListenBacklogGuard = 1024;  // more sockets than this are a mistake of whoever started us

void fill_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDWR) != fd) ::_exit(1);
  }
}

// Nothing that a library says may end up in a client's connection or the terminal that master was started from.
void give_up_standard_descriptors() {
  const base::Fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  if (!null) throw base::Fatal(base::with_errno("open /dev/null", errno));
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::dup2(null.get(), fd) < 0) throw base::Fatal(base::with_errno("dup2", errno));
  }
}

void ignore(int signal_number) {
  struct sigaction action{};
  action.sa_handler = SIG_IGN;
  ::sigaction(signal_number, &action, nullptr);
}

void check_place_in_master_cf(const Program& program, const Options& options, std::string_view service_name) {
  if (program.processes == Processes::exactly_one && !options.exactly_one) {
    throw base::Fatal(fmt::format("service {} requires a process limit of 1", service_name));
  }
  if (program.processes == Processes::unlimited && !options.unlimited) {
    throw base::Fatal(fmt::format("service {} requires a process limit of 0", service_name));
  }
  if (program.privileges == Privileges::keep && options.unprivileged) {
    throw base::Fatal(fmt::format("service {} requires privileged operation", service_name));
  }
  if (program.privileges == Privileges::refuse && ::geteuid() == 0 && !options.unprivileged && !options.stand_alone) {
    throw base::Fatal(
        fmt::format("service {}: {} must run with $mail_owner privileges: specify - in the unprivileged field of "
                    "master.cf",
                    service_name, program.program));
  }
  const bool takes_datagrams = program.clients == Clients::datagrams;
  const bool is_datagram = options.type == config::ServiceType::unix_datagram;
  const bool bad_fifo = options.type == config::ServiceType::fifo && program.clients != Clients::triggers;
  const bool bad_pass = options.type == config::ServiceType::pass && program.clients != Clients::streams;
  if (takes_datagrams != is_datagram || bad_fifo || bad_pass) {
    throw base::Fatal(fmt::format("service {}: {} cannot be a service of type {}", service_name, program.program,
                                  config::name_of(options.type)));
  }
}

std::string from_environment(const char* variable) {
  const char* value = std::getenv(variable);
  return value != nullptr ? value : "";
}

// The ends that master has given us of the pipe to postlogd.
struct LogPipe {
  int writing = -1;
  int reading = -1;  // postlogd has this one instead
  // And this one for what it has to say as long as it does not know of its file: what it leaves there, master finds.
  // Not for longer: the pipe comes to its end when nobody can write any more.
  base::Fd until_log_is_open;

  int first() const { return until_log_is_open ? until_log_is_open.get() : writing; }
};

LogPipe inherited_log_pipe() {
  LogPipe pipe{.writing = take_log_pipe(kLogPipeVariable, O_WRONLY),
               .reading = take_log_pipe(kLogReadVariable, O_RDONLY),
               .until_log_is_open = {}};
  if (pipe.reading < 0) return pipe;
  const std::string name = fmt::format("/proc/self/fd/{}", pipe.reading);
  pipe.until_log_is_open.reset(::open(name.c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
  return pipe;
}

// Before main.cf has said where to: master has taken standard error away, but what is wrong with main.cf, or with what
// master.cf says of us, must be told. Like what comes later: to postlogd, if master knows of a log file.
void open_logging_without_config(const Program& program, int log_pipe) {
  logging::Setup setup;
  setup.identity.program = program.program;
  setup.identity.syslog_name = from_environment("MAIL_LOGTAG");
  setup.identity.host = from_environment("POSTLOG_HOSTNAME");
  setup.postlog_pipe = log_pipe;
  setup.syslog = log_pipe < 0;
  (void)logging::open(setup);
}

config::Config load(const Program& program, const std::string& service_name, const Options& options) {
  config::Source source;
  source.process_name = program.program;
  source.service_name = service_name;
  source.overrides = options.overrides;
  auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

void open_logging(const config::Config& config, const Program& program, const Options& options, int log_pipe) {
  logging::Setup setup = command::logging_setup(config, program.program);
  setup.standard_error = options.log_to_stderr;
  // Relative: it stays reachable in a chroot.
  if (!setup.file.empty()) setup.postlog_socket = "public/" + config[param::postlog_service_name];
  setup.postlog_pipe = log_pipe;
  if (program.clients == Clients::datagrams) setup.postlog_socket.clear();  // it would write to itself
  if (std::string host = from_environment("POSTLOG_HOSTNAME"); !host.empty()) setup.identity.host = std::move(host);
  if (const auto opened = logging::open(setup); !opened) {
    setup.file.clear();
    setup.syslog = true;
    (void)logging::open(setup);
    logging::warning("service.no_log_file", "{reason}", {{"reason", opened.error().text}});
  }
}

void run_debugger(const config::Config& config, const std::string& process_name) {
  const std::string& command = config[param::debugger_command];
  if (command.empty()) {
    logging::warning("service.no_debugger", "option -D was given, but debugger_command is empty");
    return;
  }
  ::setenv("process_name", process_name.c_str(), 1);
  ::setenv("process_id", std::to_string(::getpid()).c_str(), 1);
  logging::info("service.debugger", "running: {command}", {{"command", command}});
  if (std::system(command.c_str()) != 0) {
    logging::warning("service.debugger_failed", "debugger_command failed: {command}", {{"command", command}});
  }
}

bool is_open(int fd) {
  return ::fcntl(fd, F_GETFD) >= 0;
}

void prepare_inherited(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags < 0) throw base::Fatal(base::with_errno(fmt::format("descriptor {} from master", fd), errno));
  ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
  ::fcntl(fd, F_SETFD, FD_CLOEXEC);
}

std::vector<int> listeners(const Options& options) {
  if (options.listeners > kListenBacklogGuard) throw base::Fatal("too many listening sockets");
  std::vector<int> fds;
  for (int i = 0; i < options.listeners; ++i) {
    const int fd = kFirstListen + i;
    if (!is_open(fd)) {
      throw base::Fatal("do not run this program by hand: it serves on descriptors that master(8) gives it");
    }
    prepare_inherited(fd);
    // Connections inherit it.
    const int on = 1;
    if (options.type == config::ServiceType::inet) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    fds.push_back(fd);
  }
  return fds;
}

// max_use is meant for a process that serves one client at a time. Each place for a client may be used that often: who
// serves a thousand at a time must not be replaced after a hundred. -m is a number of clients.
long max_use(const config::Config& config, const Program& program, const Options& options, int client_limit) {
  if (options.max_use > 0) return options.max_use;
  const long places = program.clients == Clients::streams ? client_limit : 1;
  return config[param::max_use] * places;
}

int client_limit(const config::Config& config, const Program& program, const std::string& service_name) {
  if (program.client_limit > 0) return program.client_limit;
  if (program.usual_client_limit && !config.settings().contains(service_name + "_client_limit"))
    return std::max(1, config[*program.usual_client_limit]);
  return std::max(1, config.integer_of(service_name, param::family::client_limit));
}

Place place_of(const config::Config& config, const Program& program, const Options& options,
               const std::string& service_name, std::uint32_t generation) {
  Place place;
  place.type = options.type;
  place.generation = generation;
  place.client_limit = client_limit(config, program, service_name);
  place.max_use = max_use(config, program, options, place.client_limit);
  place.max_idle = options.max_idle.count() > 0 ? options.max_idle : config[param::max_idle];
  place.ipc_timeout = config[param::ipc_timeout];
  // They act as recipients, each thread for itself: another one would stay who it was when it began.
  place.one_thread = program.privileges == Privileges::keep;
  place.solitary = program.processes == Processes::exactly_one || options.exactly_one;
  place.watchdog_time = config[program.watchdog.value_or(param::daemon_timeout)];
  // A process that nobody may replace before its end must not take long about it.
  place.finish_time = config[param::daemon_timeout];
  if (place.solitary) place.finish_time = std::min<io::Clock::duration>(place.finish_time, kSolitaryFinishTime);
  if (options.stand_alone) return place;
  place.listeners = listeners(options);
  if (is_open(kStatus)) {
    prepare_inherited(kStatus);
    place.status_fd = kStatus;
  }
  flow::connect();
  return place;
}

// Postfix's order: what must be opened is open by now.
void give_up_privileges(const Program& program, const Context& context, const Account* owner,
                        const std::string& queue_directory) {
  if (context.stand_alone && program.stand_alone_as_caller) return;
  if (owner != nullptr) {
    if (context.chrooted) enter_chroot(queue_directory);
    if (program.privileges == Privileges::keep) {
      become_effectively(*owner);
    } else if (!context.privileged) {
      become(*owner);
    }
  }
  if (program.privileges != Privileges::keep) forbid_new_privileges();
}

int serve(const Program& program, const Options& options, LogPipe& pipe) {
  const std::string service_name = options.service_name.empty() ? program.program : options.service_name;
  const std::uint32_t generation = generation_from_environment();
  const config::Config config = load(program, service_name, options);
  config.import_environment();
  const std::string& queue_directory = config[param::queue_directory];
  if (::chdir(queue_directory.c_str()) != 0) throw base::Fatal(base::with_errno("chdir " + queue_directory, errno));
  // A stand-alone process is not master's child, whatever its environment says.
  open_logging(config, program, options, options.stand_alone ? -1 : pipe.writing);
  pipe.until_log_is_open.reset();
  if (options.debugger) run_debugger(config, program.program);
  if (!options.stand_alone) check_place_in_master_cf(program, options, service_name);

  const bool is_root = ::geteuid() == 0;
  Context context{.config = config,
                  .program = program.program,
                  .service_name = service_name,
                  .type = options.type,
                  .overrides = options.overrides,
                  .arguments = options.arguments,
                  .privileged = is_root && !options.unprivileged,
                  .chrooted = is_root && options.chroot,
                  .stand_alone = options.stand_alone,
                  .log_pipe = program.clients == Clients::datagrams && !options.stand_alone ? pipe.reading : -1};
  std::optional<Account> owner;
  if (is_root) owner = mail_owner(config);
  raise_limits();
  Place place = place_of(config, program, options, service_name, generation);
  place.log_pipe = context.log_pipe;
  if (program.check) program.check(context);
  const std::unique_ptr<Server> server = program.open(context);
  // Not before: a log to standard output has been opened by now.
  if (!options.stand_alone && !options.keep_descriptors && !options.log_to_stderr) give_up_standard_descriptors();
  give_up_privileges(program, context, owner ? &*owner : nullptr, queue_directory);

  if (options.stand_alone) {
    run_stand_alone(*server, program, place);
  } else {
    Process(*server, program.clients, program.lives_on, place).run();
  }
  return 0;
}

// What could not be caught is a mistake of ours, and must not look like one of the machine's.
[[noreturn]] void say_and_abort() {
  std::string_view reason = "no exception";
  try {
    if (const auto current = std::current_exception()) std::rethrow_exception(current);
  } catch (const std::bad_alloc&) {
    logging::fatal("service.terminated", "ends itself: out of memory at a place that has to go on");
    std::abort();
  } catch (const std::exception& problem) {
    logging::fatal("service.terminated", "ends itself: {reason}", {{"reason", problem.what()}});
    std::abort();
  } catch (...) {
    reason = "an exception of unknown type";
  }
  logging::fatal("service.terminated", "ends itself: {reason}", {{"reason", reason}});
  std::abort();
}

}  // namespace

int run(int argc, char** argv, const Program& program) {
  fill_standard_descriptors();
  std::set_terminate(say_and_abort);
  ignore(SIGPIPE);
  ignore(SIGXFSZ);  // a file that may not grow is an error of write(2)
  ignore(SIGHUP);
  ::umask(077);
  LogPipe pipe = inherited_log_pipe();
  open_logging_without_config(program, pipe.first());
  try {
    const auto all = std::span<char*>(argv, static_cast<std::size_t>(argc));
    const Options options = parse_options(all.empty() ? all : all.subspan(1));
    logging::set_verbosity(options.verbosity);
    return serve(program, options, pipe);
  } catch (const base::Fatal& problem) {
    logging::fatal("service.fatal", "{reason}", {{"reason", problem.what()}});
  } catch (const std::bad_alloc&) {
    logging::fatal("service.out_of_memory", "out of memory");
  } catch (const std::exception& problem) {
    logging::fatal("service.fatal", "unexpected: {reason}", {{"reason", problem.what()}});
  }
  // Master starts another process at once; a mistake that stays must not keep the machine busy.
  std::this_thread::sleep_for(std::chrono::seconds(1));
  return 1;
}

}  // namespace service
