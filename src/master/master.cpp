#include "master/master.h"

#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "command/open_logging.h"
#include "config/param.h"
#include "logging/log.h"
#include "master/instance_lock.h"
#include "master/listener.h"
#include "master/loop.h"
#include "master/notify.h"
#include "master/options.h"
#include "master/plan.h"
#include "master/process_state.h"
#include "master/supervisor.h"

namespace master {

namespace {

namespace param = config::param;
using std::chrono::seconds;

constexpr seconds kLongestTurn(500);  // the watchdog's time is twice that
constexpr seconds kPatience(3);       // with children that were told to stop
constexpr seconds kLastMoment(1);     // of those that were killed

void log_all(const std::vector<std::string>& texts, logging::Level level, std::string_view event) {
  for (const std::string& text : texts) logging::write(level, event, "{text}", {{"text", text}});
}

config::Config load_config(const std::string& directory) {
  auto config = config::Config::load({.directory = directory, .process_name = "master"});
  if (!config) throw base::Fatal(config.error().text);
  return std::move(*config);
}

// -t: whether another master has the queue.
int tell_whether_running(const config::Config& config) {
  const std::string path = config[param::queue_directory] + "/" + kPidFile;
  const auto holder = holder_of(path);
  if (!holder) throw base::Fatal(holder.error().text);
  return *holder ? 1 : 0;
}

// -T: for whoever wants to know before it matters.
int check_configuration(const std::string& directory, Check check) {
  const Findings findings = read_plan(directory, Thoroughness::thorough).findings;
  if (check == Check::errors_and_warnings) {
    log_all(findings.warnings, logging::Level::warning, "master.check");
    log_all(findings.notes, logging::Level::warning, "master.check");
  }
  log_all(findings.errors_elsewhere, logging::Level::error, "master.check");
  log_all(findings.errors, logging::Level::error, "master.check");
  return findings.errors.empty() && findings.errors_elsewhere.empty() ? 0 : 1;
}

// To the log; and to whoever starts us, until we have started.
logging::Setup open_log(const config::Config& config, bool with_standard_error) {
  logging::Setup setup = command::logging_setup(config, "master");
  setup.standard_error = with_standard_error;
  if (const auto opened = logging::open(setup); !opened) {
    logging::warning("master.no_log_file", "{reason}", {{"reason", opened.error().text}});
  }
  return setup;
}

// What is not as asked, or only so by an old default.
void tell_notes(const Findings& findings) {
  log_all(findings.notes, logging::Level::warning, "master.note");
  log_all(findings.old_defaults, logging::Level::info, "config.old_default");
}

Plan first_plan(const std::string& directory) {
  Reading reading = read_plan(directory, Thoroughness::usual);
  const Findings& findings = reading.findings;
  tell_notes(findings);
  log_all(findings.errors_elsewhere, logging::Level::error, "master.bad_parameter");
  if (reading.plan) return std::move(*reading.plan);
  for (std::size_t i = 0; i + 1 < findings.errors.size(); ++i) {
    logging::error("master.bad_configuration", "{text}", {{"text", findings.errors[i]}});
  }
  throw base::Fatal(findings.errors.back());
}

// One master for the queue and one for the data, held until the end.
struct Locks {
  base::Fd queue;
  base::Fd data;
};
Locks take_locks(const Plan& plan) {
  const auto take = [](const std::string& path) {
    auto fd = take_lock(path);
    if (!fd) throw base::Fatal(fd.error().text);
    if (const auto written = write_pid(fd->get(), path); !written) throw base::Fatal(written.error().text);
    return std::move(*fd);
  };
  Locks locks;
  locks.queue = take(kPidFile);
  const std::string data_lock = plan.data_directory + "/master.lock";
  const bool is_foreign = [&] {
    const AsOwner as_owner(plan.owner);
    return ::access(data_lock.c_str(), F_OK) == 0 && ::eaccess(data_lock.c_str(), R_OK | W_OK) != 0;
  }();
  // Of a time when someone else owned the directory. Nobody's, if nobody holds it.
  const bool is_leftover = is_foreign && holder_of(data_lock).value_or(0) == std::nullopt;
  const AsOwner as_owner(plan.owner);
  if (is_leftover) ::unlink(data_lock.c_str());
  locks.data = take(data_lock);
  return locks;
}

class Master {
 public:
  Master(const Options& options, Notifier notifier, bool leads_group)
      : options_(options),
        notifier_(std::move(notifier)),
        leads_group_(leads_group),
        supervisor_(loop_, {options.keeps_terminal, options.debugger, options.verbosity},
                    [this] { return write_out_log(); }) {}

  void start(Plan plan) {
    watch_signals();
    if (const auto adopted = supervisor_.adopt(std::move(plan)); !adopted) throw base::Fatal(adopted.error().text);
  }

  void serve(logging::Setup log) {
    log_ = std::move(log);
    logging::info("master.started", "daemon started -- version {version}, configuration {directory}",
                  {{"version", supervisor_.plan().version}, {"directory", supervisor_.plan().directory}});
    if (options_.lifetime) {
      loop_.after(*options_.lifetime, [this] { is_over_ = true; });
    }
    if (notifier_.watchdog_interval()) keep_telling();
    notifier_.ready();
    Watchdog::start();
    while (!is_over_) {
      Watchdog::beat();
      try {
        loop_.turn(kLongestTurn);
      } catch (const std::exception& problem) {
        // No memory, no kernel object left: others may have given some back in a moment.
        logging::error("master.trouble", "{reason}", {{"reason", problem.what()}});
        std::this_thread::sleep_for(seconds(1));
      }
    }
    // Whoever still reads goes on to the last word of those who complete what they have.
    if (!supervisor_.has_log_reader()) write_out_log();
  }

 private:
  void watch_signals() {
    sigset_t set;
    ::sigemptyset(&set);
    for (const int signal : {SIGHUP, SIGTERM, SIGINT, SIGQUIT, SIGCHLD, SIGUSR1}) ::sigaddset(&set, signal);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    signals_.reset(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
    if (!signals_) throw base::Fatal(base::with_errno("signalfd", errno));
    loop_.watch_reading(signals_.get(), [this] { read_signals(); });
  }

  void read_signals() {
    signalfd_siginfo info;
    bool reload_wanted = false;
    while (::read(signals_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      const int signal = static_cast<int>(info.ssi_signo);
      if (signal == SIGCHLD) {
        supervisor_.reap();
      } else if (signal == SIGHUP) {
        reload_wanted = true;
      } else if (signal == SIGUSR1) {
        drain(signal);
      } else {
        stop(signal);
        return;
      }
    }
    if (reload_wanted && !is_over_) reload();
  }

  // All or nothing. Whoever rotates the log sends the same signal, so that it is opened anew in any case.
  void reload() {
    notifier_.reloading();
    if (const auto opened = logging::open(log_); !opened) {
      logging::warning("master.no_log_file", "{reason}", {{"reason", opened.error().text}});
    }
    if (const bool adopted = adopt_new_plan(); !adopted) {
      logging::error("master.reload_refused",
                     "reload refused: the mail system goes on with the configuration that it has");
      notifier_.status("reload refused: the configuration has errors; see the log");
    } else {
      notifier_.status("serving");
    }
    notifier_.ready();
  }

  bool adopt_new_plan() {
    Reading reading;
    try {
      reading = read_plan(supervisor_.plan().directory, Thoroughness::thorough);
    } catch (const std::exception& problem) {  // whatever it is: the old configuration is a good one
      reading.findings.errors.emplace_back(problem.what());
    }
    const Findings& findings = reading.findings;
    log_all(findings.errors, logging::Level::error, "master.bad_configuration");
    log_all(findings.errors_elsewhere, logging::Level::error, "master.bad_parameter");
    if (!findings.errors.empty() || !findings.errors_elsewhere.empty() || !reading.plan) return false;

    const Plan& present = supervisor_.plan();
    for (const auto& [name, before, after] :
         {std::tuple("queue_directory", &present.queue_directory, &reading.plan->queue_directory),
          std::tuple("data_directory", &present.data_directory, &reading.plan->data_directory)}) {
      if (*before == *after) continue;
      logging::error("master.bad_configuration",
                     "{parameter} cannot change from {before} to {after} in a reload: stop the mail system before",
                     {{"parameter", name}, {"before", *before}, {"after", *after}});
      return false;
    }
    logging::Setup log;
    try {
      const config::Config config = load_config(present.directory);
      log = command::logging_setup(config, "master");
      log.standard_error = false;
    } catch (const base::Fatal& problem) {
      logging::error("master.bad_configuration", "{reason}", {{"reason", problem.what()}});
      return false;
    }
    if (const auto adopted = supervisor_.adopt(std::move(*reading.plan)); !adopted) {
      logging::error("master.cannot_listen", "{reason}", {{"reason", adopted.error().text}});
      return false;
    }
    log_ = std::move(log);
    if (const auto opened = logging::open(log_); !opened) {
      logging::warning("master.no_log_file", "{reason}", {{"reason", opened.error().text}});
    }
    logging::info("master.reloaded", "reload -- version {version}, configuration {directory}",
                  {{"version", supervisor_.plan().version}, {"directory", supervisor_.plan().directory}});
    tell_notes(findings);
    return true;
  }

  // Processes are told, and the locks are held until they have gone: whoever starts next finds the queue to itself.
  void stop(int signal) {
    logging::info("master.stopped", "terminating on signal {signal}", {{"signal", signal}});
    notifier_.stopping();
    // Our own signal comes back to us by the process group.
    loop_.watch_reading(signals_.get(), [this] {
      signalfd_siginfo info;
      while (::read(signals_.get(), &info, sizeof info) > 0) {
      }
      supervisor_.reap();
    });
    supervisor_.stop_serving();
    supervisor_.signal_all(SIGTERM, leads_group_);
    const auto end = Clock::now() + kPatience;
    while (supervisor_.has_processes() && Clock::now() < end) loop_.turn(end - Clock::now());
    if (supervisor_.has_processes()) {
      supervisor_.signal_all(SIGKILL, false);
      const auto last = Clock::now() + kLastMoment;
      while (supervisor_.has_processes() && Clock::now() < last) loop_.turn(last - Clock::now());
    }
    // Their last words. A postlogd that is not gone by now hangs, and takes nothing more.
    (void)write_out_log();
    is_over_ = true;
  }

  bool write_out_log() { return supervisor_.log_pipe().write_out(log_); }

  // Processes see the end of their status sockets, and complete what they have.
  void drain(int signal) {
    logging::info("master.draining", "leaving on signal {signal}; processes complete what they have begun",
                  {{"signal", signal}});
    notifier_.stopping();
    is_over_ = true;
  }

  void keep_telling() {
    notifier_.alive();
    loop_.after(*notifier_.watchdog_interval(), [this] { keep_telling(); });
  }

  const Options& options_;
  Notifier notifier_;
  bool leads_group_;
  logging::Setup log_;
  Loop loop_;
  base::Fd signals_;
  Supervisor supervisor_;
  bool is_over_ = false;
};

}  // namespace

int run(std::span<char*> arguments) {
  const Options options = parse_options(arguments);
  const std::string directory = config::choose_directory(options.directory);
  ::setenv("MAIL_CONFIG", directory.c_str(), 1);
  logging::set_verbosity(options.verbosity);
  if (options.asks_whether_running) return tell_whether_running(load_config(directory));
  if (options.check != Check::none) return check_configuration(directory, options.check);
  if (options.is_init && ::getpid() != 1) throw base::Fatal("option -i is for process 1 of a container only");

  // A process of our own, away from the caller.
  ::umask(077);
  close_inherited_descriptors();
  Notifier notifier = Notifier::from_environment();
  Foreground foreground;
  if (options.waits) foreground.fork_away();
  const bool leads_group = !options.is_init && !options.keeps_terminal && lead_process_group();

  // What we are asked to be.
  const logging::Setup log = [&] {
    const config::Config config = load_config(directory);
    logging::Setup setup = open_log(config, true);
    config.import_environment();
    return setup;
  }();
  Plan plan = first_plan(directory);

  // A place of our own.
  if (::chdir(plan.queue_directory.c_str()) != 0) {
    throw base::Fatal(base::with_errno(
        fmt::format("file {}/main.cf: parameter queue_directory: chdir {}", directory, plan.queue_directory), errno));
  }
  const Locks locks = take_locks(plan);
  raise_descriptor_limit();

  Master master(options, std::move(notifier), leads_group);
  master.start(std::move(plan));

  // Clients can connect. From here on only the log hears of us.
  if (!options.keeps_terminal) detach_standard_descriptors(options.keeps_output);
  logging::Setup quiet = log;
  quiet.standard_error = options.keeps_terminal;
  (void)logging::open(quiet);
  foreground.ready();
  if (options.debugger) {
    const config::Config config = load_config(directory);
    run_debugger(config[param::debugger_command]);
  }
  master.serve(std::move(quiet));
  return 0;
}

}  // namespace master
