#include "postlock/postlock.h"

#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "command/command.h"
#include "config/config.h"
#include "config/param.h"
#include "logging/log.h"
#include "postlock/mailbox_lock.h"

namespace postlock {

namespace {

namespace param = config::param;

constexpr std::string_view kUsage = "usage: postlock [-c config_dir] [-l lock_style] [-v] folder command...";

pid_t start(const std::vector<std::string>& words, int attempts, std::chrono::seconds delay) {
  std::vector<char*> pointers;
  for (const std::string& word : words) pointers.push_back(const_cast<char*>(word.c_str()));
  pointers.push_back(nullptr);
  for (int attempt = 1;; ++attempt) {
    const pid_t pid = ::fork();
    if (pid > 0) return pid;
    if (pid == 0) {
      struct sigaction plain{};
      plain.sa_handler = SIG_DFL;
      for (const int signal : {SIGPIPE, SIGXFSZ}) ::sigaction(signal, &plain, nullptr);
      ::execvp(pointers.front(), pointers.data());
      logging::fatal("postlock.exec", "execvp {reason}", {{"reason", base::with_errno(words.front(), errno)}});
      ::_exit(1);
    }
    if (attempt >= attempts) throw base::Fatal(base::with_errno(fmt::format("fork {}", words.front()), errno));
    logging::warning("postlock.fork", "{reason}", {{"reason", base::with_errno("fork " + words.front(), errno)}});
    std::this_thread::sleep_for(delay);
  }
}

volatile std::sig_atomic_t command_process = 0;  // NOLINT: for the signal handler

extern "C" void pass_on(int signal) {
  ::kill(static_cast<pid_t>(command_process), signal);
}

// The lock must not go while the command runs, nor stay when we are told to end: signals are for the command, whose end
// is ours. What the terminal sends, it gets by itself.
void leave_signals_to_command(pid_t pid) {
  command_process = static_cast<std::sig_atomic_t>(pid);
  struct sigaction ignored{};
  ignored.sa_handler = SIG_IGN;
  for (const int signal : {SIGINT, SIGQUIT}) ::sigaction(signal, &ignored, nullptr);
  struct sigaction passed{};
  passed.sa_handler = pass_on;
  for (const int signal : {SIGTERM, SIGHUP}) ::sigaction(signal, &passed, nullptr);
}

}  // namespace

int run(std::span<char*> arguments) {
  const auto line = command::parse(arguments, "c:l:v", kUsage);
  if (line.operands.size() < 2) throw base::Fatal(std::string(kUsage));
  int verbosity = ::getenv("MAIL_VERBOSE") != nullptr ? 1 : 0;
  for (const auto& option : line.options) verbosity += option.letter == 'v' ? 1 : 0;
  logging::set_verbosity(verbosity);

  const auto config = config::Config::load(
      {.directory = config::choose_directory(line.last('c').value_or("")), .process_name = "postlock"});
  if (!config) throw base::Fatal(config.error().text);
  config->import_environment();
  const auto styles = parse_styles(line.last('l').value_or((*config)[param::mailbox_delivery_lock]));
  if (!styles) throw base::Fatal(styles.error().text);
  const Patience patience{(*config)[param::deliver_lock_attempts], (*config)[param::deliver_lock_delay],
                          (*config)[param::stale_lock_time]};

  const std::string& folder = line.operands.front();
  const auto lock = MailboxLock::take(folder, *styles, patience);
  if (!lock) throw base::Fatal(fmt::format("open file {}: {}", folder, lock.error().text));

  // From here on the mailbox is ours.
  const pid_t pid = start({line.operands.begin() + 1, line.operands.end()}, (*config)[param::fork_attempts],
                          (*config)[param::fork_delay]);
  leave_signals_to_command(pid);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw base::Fatal(base::with_errno("waitpid", errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace postlock
