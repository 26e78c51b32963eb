#include "master/child.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <numeric>

#include "service/master_link.h"

namespace master {

namespace {

std::vector<char*> pointers_to(std::span<const std::string> texts) {
  std::vector<char*> pointers;
  pointers.reserve(texts.size() + 1);
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

constexpr int kBeyondOrdinarySignals = 32;

// Everything that the new process needs, computed before: it shares our memory until it runs the program.
struct Launch {
  const char* program;
  char* const* arguments;
  char* const* environment;
  const int* sources;
  const int* targets;
  int count;
  int beyond;  // all targets
  int* high;   // room for their copies
  volatile int problem;
};

// Calls nothing but system calls. A target number may be in use as a source: hence the detour by numbers beyond both.
// What is not passed on closes itself at exec.
[[noreturn]] void become(Launch& launch) {
  for (int i = 0; i < launch.count; ++i) {
    launch.high[i] = ::fcntl(launch.sources[i], F_DUPFD_CLOEXEC, launch.beyond);
    if (launch.high[i] < 0) {
      launch.problem = errno;
      ::_exit(1);
    }
  }
  for (int i = 0; i < launch.count; ++i) {
    if (::dup2(launch.high[i], launch.targets[i]) < 0) {
      launch.problem = errno;
      ::_exit(1);
    }
  }
  // Nothing of what whoever started us ignores or blocks is a service's business. SIGPIPE each of them ignores itself.
  for (int number = 1; number < kBeyondOrdinarySignals; ++number) ::signal(number, SIG_DFL);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);
  ::execve(launch.program, launch.arguments, launch.environment);
  launch.problem = errno;
  ::_exit(1);
}

}  // namespace

std::vector<std::string> child_arguments(const ServicePlan& plan, const Manner& manner, Stress stress) {
  const config::Service& service = plan.service;
  const std::string& path = service.program;
  std::vector<std::string> words{path.substr(path.rfind('/') + 1)};
  const auto add = [&words](auto... texts) { (words.emplace_back(texts), ...); };
  if (service.process_limit == 1) add("-l");
  if (service.process_limit == 0) add("-z");
  if (service.name != words.front()) add("-n", service.name);
  add("-t", std::string(config::name_of(service.type)));
  if (manner.keeps_terminal) add("-d");
  if (manner.debugger) add("-D");
  for (int i = 0; i < manner.verbosity; ++i) add("-v");
  if (service.unprivileged) add("-u");
  if (service.chroot) add("-c");
  if (stress != Stress::not_told) add("-o", stress == Stress::yes ? "stress=yes" : "stress=");
  if (plan.endpoints.size() > 1) add("-s", std::to_string(plan.endpoints.size()));
  words.insert(words.end(), plan.words.begin(), plan.words.end());
  return words;
}

int log_pipe_number(const ServicePlan& service) {
  return service::kFirstListen + static_cast<int>(service.endpoints.size());
}

std::vector<std::string> child_environment(const Plan& plan, std::uint32_t generation, std::string_view log_variable,
                                           int log_pipe_number) {
  std::vector<std::pair<std::string_view, std::string>> own = {
      {"MAIL_CONFIG", plan.directory},
      {"MAIL_LOGTAG", plan.syslog_name},
      {"GENERATION", fmt::format("{:o}", generation)},
  };
  if (!log_variable.empty()) own.emplace_back(log_variable, std::to_string(log_pipe_number));
  if (!plan.postlog_path.empty()) {
    own.emplace_back("POSTLOG_SERVICE", plan.postlog_path);
    own.emplace_back("POSTLOG_HOSTNAME", plan.hostname);
  }
  std::vector<std::string> environment;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text(*entry);
    const auto name = text.substr(0, text.find('='));
    const bool is_replaced = std::ranges::find(own, name, [](const auto& each) { return each.first; }) != own.end();
    if (is_replaced || name == service::kLogPipeVariable || name == service::kLogReadVariable) continue;
    environment.emplace_back(text);
  }
  for (const auto& [name, value] : own) environment.push_back(fmt::format("{}={}", name, value));
  return environment;
}

std::expected<pid_t, base::Error> start_child(const std::string& program, std::span<const std::string> arguments,
                                              std::span<const std::string> environment,
                                              const ChildDescriptors& descriptors) {
  static_assert(service::kFlowWrite == service::kFlowRead + 1 && service::kStatus == service::kFlowRead + 2 &&
                service::kFirstListen == service::kFlowRead + 3);
  std::vector<int> sources = {descriptors.flow_read, descriptors.flow_write, descriptors.status};
  sources.insert(sources.end(), descriptors.listeners.begin(), descriptors.listeners.end());
  std::vector<int> targets(sources.size());
  std::iota(targets.begin(), targets.end(), service::kFlowRead);
  if (descriptors.log_pipe >= 0) {
    sources.push_back(descriptors.log_pipe);
    targets.push_back(descriptors.log_pipe_number);
  }
  std::vector<int> high(sources.size());
  const auto argument_pointers = pointers_to(arguments);
  const auto environment_pointers = pointers_to(environment);
  Launch launch{program.c_str(),
                argument_pointers.data(),
                environment_pointers.data(),
                sources.data(),
                targets.data(),
                static_cast<int>(sources.size()),
                std::ranges::max(targets) + 1,
                high.data(),
                0};

  // vfork: no copy of our page tables, and an exec that fails is known here and now.
  const pid_t pid = ::vfork();  // NOLINT: the child makes system calls, no more
  if (pid == 0) become(launch);
  if (pid < 0) return std::unexpected(base::errno_error("fork"));
  if (launch.problem == 0) return pid;
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return std::unexpected(base::Error{base::with_errno("exec " + program, launch.problem)});
}

}  // namespace master
