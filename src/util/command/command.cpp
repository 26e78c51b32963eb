#include "command/command.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <new>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "command/interrupt.h"
#include "logging/log.h"

namespace command {

namespace {

// A file that the program opens must not become its standard output by landing on a free descriptor.
bool fill_standard_descriptors() {
  for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; ++fd) {
    if (::fcntl(fd, F_GETFD) < 0 && errno == EBADF && ::open("/dev/null", O_RDWR) != fd) return false;
  }
  return true;
}

bool reader_is_gone(int fd) {
  struct pollfd asked{fd, POLLOUT, 0};
  return ::poll(&asked, 1, 0) == 1 && (asked.revents & POLLERR) != 0;
}

// Whoever pipes us into `head` wants silence: the end that SIGPIPE would have brought, unless the caller ignores it
// too.
void end_like_sigpipe(const struct sigaction& at_start) {
  if (at_start.sa_handler != SIG_DFL) return;
  ::sigaction(SIGPIPE, &at_start, nullptr);
  ::raise(SIGPIPE);
}

int finish_output(int status, int fatal_status, const struct sigaction& sigpipe_at_start) {
  const bool failed_before = std::ferror(stdout) != 0;
  errno = 0;
  const bool flush_failed = std::fflush(stdout) != 0;
  const int reason = errno;
  if (!failed_before && !flush_failed) return status;
  if (reason == EPIPE || reader_is_gone(STDOUT_FILENO)) end_like_sigpipe(sigpipe_at_start);
  const std::string text =
      reason != 0 ? base::with_errno("write standard output", reason) : std::string("write standard output: error");
  logging::fatal("command.output_failed", "{reason}", {{"reason", text}});
  return status != 0 ? status : fatal_status;
}

// Set by run(), for getopt's messages.
std::string program_name;  // NOLINT: one per process, like argv[0]

void complain(std::string_view text, char letter) {
  const std::string shown = base::printable(std::string_view(&letter, 1));
  const std::string line = program_name + ": " + std::string(text) + " -- '" + shown + "'\n";
  (void)base::write_fully(STDERR_FILENO, line, "standard error");
}

}  // namespace

int run(int argc, char** argv, const Identity& identity, const std::function<int(std::span<char*> arguments)>& body) {
  if (!fill_standard_descriptors()) return identity.fatal_status;
  struct sigaction ignore{};
  struct sigaction sigpipe_at_start{};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &sigpipe_at_start);
  ::sigaction(SIGXFSZ, &ignore, nullptr);  // a file that may not grow is an error of write(2), after which we clean up
  // A parent that ignores the ends of its children hands that on, and then nobody could wait for his own.
  ::signal(SIGCHLD, SIG_DFL);
  ::umask(022);

  program_name = identity.name;
  logging::Setup setup;
  setup.identity.program = identity.name;
  static_cast<void>(logging::open(setup));  // a command does its work without a log, too
  if (::secure_getenv("MAIL_VERBOSE") != nullptr) logging::set_verbosity(1);

  int status = identity.fatal_status;
  const auto all = std::span<char*>(argv, static_cast<std::size_t>(argc));
  try {
    status = body(all.empty() ? all : all.subspan(1));
  } catch (const base::Fatal& problem) {
    logging::fatal("command.fatal", "{reason}", {{"reason", problem.what()}});
  } catch (const std::bad_alloc&) {
    logging::fatal("command.out_of_memory", "out of memory");
  } catch (const std::exception& problem) {
    logging::fatal("command.fatal", "unexpected: {reason}", {{"reason", problem.what()}});
  }
  if (const int signal = interrupted(); signal != 0) {
    struct sigaction fatal{};
    fatal.sa_handler = SIG_DFL;
    ::sigaction(signal, &fatal, nullptr);
    ::raise(signal);
  }
  return finish_output(status, identity.fatal_status, sigpipe_at_start);
}

bool CommandLine::has(char letter) const {
  return std::ranges::any_of(options, [&](const Option& option) { return option.letter == letter; });
}

std::optional<std::string> CommandLine::last(char letter) const {
  for (auto option = options.rbegin(); option != options.rend(); ++option) {
    if (option->letter == letter) return option->argument;
  }
  return std::nullopt;
}

CommandLine parse(std::span<char*> arguments, std::string_view letters, std::string_view usage) {
  CommandLine line;
  std::size_t next = 0;
  while (next < arguments.size()) {
    std::string_view word = arguments[next];
    if (word.size() < 2 || word[0] != '-') break;
    ++next;
    if (word == "--") break;
    word.remove_prefix(1);
    while (!word.empty()) {
      const char letter = word.front();
      word.remove_prefix(1);
      const auto place = letter == ':' ? std::string_view::npos : letters.find(letter);
      if (place == std::string_view::npos) {
        complain("invalid option", letter);
        throw base::Fatal(std::string(usage));
      }
      const bool takes_argument = place + 1 < letters.size() && letters[place + 1] == ':';
      if (!takes_argument) {
        line.options.push_back({letter, {}});
        continue;
      }
      if (word.empty() && next == arguments.size()) {
        complain("option requires an argument", letter);
        throw base::Fatal(std::string(usage));
      }
      line.options.push_back({letter, std::string(word.empty() ? std::string_view(arguments[next++]) : word)});
      word = {};
    }
  }
  for (; next < arguments.size(); ++next) line.operands.emplace_back(arguments[next]);
  return line;
}

}  // namespace command
