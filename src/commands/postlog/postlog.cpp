#include "postlog/postlog.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <thread>

#include "base/error.h"
#include "base/text.h"
#include "command/command.h"
#include "command/open_logging.h"
#include "config/config.h"

namespace postlog {

namespace {

constexpr std::string_view kUsage = "usage: postlog [-c config_dir] [-i] [-p priority] [-t tag] [-v] [text]";
constexpr std::size_t kLongestLine = 64 * 1024;

void log(logging::Level level, std::string_view text) {
  logging::write(level, "postlog.text", "{text}", {{"text", text}});
}

logging::Level severity_option(const command::CommandLine& line) {
  logging::Level level = logging::Level::info;
  for (const auto& option : line.options) {
    if (option.letter != 'p') continue;
    const auto named = severity(option.argument);
    if (!named) throw base::Fatal(fmt::format("bad severity: \"{}\"", option.argument));
    level = *named;
  }
  return level;
}

void open_log(const command::CommandLine& line) {
  config::Source source;
  source.directory = line.last('c').value_or("");
  source.process_name = "postlog";
  const auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  config->import_environment();
  logging::Setup setup = command::logging_setup(*config, "postlog");
  // A tag stands for the whole of "postfix/postlog", also on a terminal.
  setup.identity.program = line.last('t').value_or(setup.identity.syslog_name + "/postlog");
  setup.identity.syslog_name.clear();
  if (!setup.file.empty()) setup.postlog_socket = command::postlog_socket_path(*config);
  // Scripts run by cron and the like shall not have mail of each record; a person at a terminal sees it.
  setup.standard_error = ::isatty(STDERR_FILENO) == 1;
  if (const auto opened = logging::open(setup); !opened) {
    setup.standard_error = true;
    setup.file.clear();
    static_cast<void>(logging::open(setup));  // without a file it has nothing to fail at
    throw base::Fatal(opened.error().text);
  }
}

}  // namespace

std::optional<logging::Level> severity(std::string_view name) {
  using logging::Level;
  constexpr std::pair<std::string_view, Level> kNames[] = {
      {"info", Level::info},   {"warn", Level::warning}, {"warning", Level::warning}, {"err", Level::error},
      {"error", Level::error}, {"crit", Level::fatal},   {"fatal", Level::fatal},     {"panic", Level::panic}};
  for (const auto& [known, level] : kNames) {
    if (base::equals_folded(name, known)) return level;
  }
  return std::nullopt;
}

void log_lines(int fd, logging::Level level) {
  std::string line;
  bool unfinished = false;
  char chunk[16 * 1024];
  while (true) {
    const ssize_t got = ::read(fd, chunk, sizeof chunk);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw base::Fatal(base::with_errno("read standard input", errno));
    if (got == 0) break;
    std::string_view rest(chunk, static_cast<std::size_t>(got));
    while (!rest.empty()) {
      const auto newline = rest.find('\n');
      const std::string_view part = rest.substr(0, newline);
      line.append(part.substr(0, kLongestLine - std::min(kLongestLine, line.size())));
      unfinished = newline == std::string_view::npos;
      if (unfinished) break;
      log(level, line);
      line.clear();
      rest.remove_prefix(newline + 1);
    }
  }
  if (unfinished) log(level, line);
}

int run(std::span<char*> arguments) {
  logging::Setup until_configured;
  until_configured.identity.program = "postfix/postlog";
  (void)logging::open(until_configured);

  const auto line = command::parse(arguments, "c:ip:t:v", kUsage);
  const logging::Level level = severity_option(line);
  for (const auto& option : line.options) {
    if (option.letter == 'v') logging::set_verbosity(logging::verbosity() + 1);
  }
  open_log(line);

  if (line.operands.empty()) {
    log_lines(STDIN_FILENO, level);
  } else {
    log(level, fmt::format("{}", fmt::join(line.operands, " ")));
  }
  // Whoever restarts what has failed must not do it in a busy loop.
  if (level >= logging::Level::fatal) std::this_thread::sleep_for(std::chrono::seconds(1));
  return 0;
}

}  // namespace postlog
