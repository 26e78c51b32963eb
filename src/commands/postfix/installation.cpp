#include "postfix/installation.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "config/param.h"

namespace postfix {

namespace param = config::param;

namespace {

std::vector<char*> pointers_to(const std::string& path, const std::vector<std::string>& arguments) {
  std::vector<char*> pointers{const_cast<char*>(path.c_str())};
  for (const std::string& argument : arguments) pointers.push_back(const_cast<char*>(argument.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

}  // namespace

Installation describe(const config::Config& config) {
  Installation installation{.config = config,
                            .config_directory = config.directory(),
                            .command_directory = config[param::command_directory],
                            .daemon_directory = config[param::daemon_directory],
                            .queue_directory = config[param::queue_directory],
                            .data_directory = config[param::data_directory],
                            .rootless = ::getuid() != 0,
                            .owner = {},
                            .owner_group = {},
                            .setgid_group = {}};
  if (const passwd* user = ::getpwnam(config[param::mail_owner].c_str()); user != nullptr) {
    installation.owner = user->pw_uid;
    installation.owner_group = user->pw_gid;
  }
  if (const group* found = ::getgrnam(config[param::setgid_group].c_str()); found != nullptr) {
    installation.setgid_group = found->gr_gid;
  }
  return installation;
}

void say(logging::Level level, std::string_view text) {
  logging::write(level, "postfix.command", "{text}", {{"text", text}});
}

int run_program(const std::string& path, const std::vector<std::string>& arguments) {
  const auto pointers = pointers_to(path, arguments);
  const pid_t pid = ::vfork();  // NOLINT: the child makes system calls, no more
  if (pid < 0) throw base::Fatal(base::with_errno("fork", errno));
  if (pid == 0) {
    ::execv(path.c_str(), pointers.data());
    ::_exit(127);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0) {
    if (errno != EINTR) throw base::Fatal(base::with_errno("wait", errno));
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void start_program(const std::string& path, const std::vector<std::string>& arguments) {
  const auto pointers = pointers_to(path, arguments);
  const pid_t pid = ::fork();
  if (pid != 0) return;  // what does not start now starts the next time
  // Whoever waits for the end of our output does not mean its output.
  const int null = ::open("/dev/null", O_RDWR);
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) ::dup2(null, fd);
  ::setsid();
  ::execv(path.c_str(), pointers.data());
  ::_exit(127);
}

void become_program(const std::string& path, const std::vector<std::string>& arguments) {
  const auto pointers = pointers_to(path, arguments);
  ::execv(path.c_str(), pointers.data());
  throw base::Fatal(base::with_errno("run " + path, errno));
}

}  // namespace postfix
