#pragma once
// A process of a service: what it is given, and its start. The contract is service/master_link.h.

#include <sys/types.h>

#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "master/plan.h"

namespace master {

// How master itself was started, as far as its children are told.
struct Manner {
  bool keeps_terminal = false;
  bool debugger = false;
  int verbosity = 0;
};

enum class Stress { not_told, no, yes };

// Postfix's order: program, -l or -z, -n name, -t type, -d, -D, -v, -u, -c, -o stress=, -s N, and the words of
// master.cf.
std::vector<std::string> child_arguments(const ServicePlan& service, const Manner& manner, Stress stress);

// This process's environment (import_environment has made it) with what a child needs to find its configuration and the
// log before it has read anything. `log_variable`: service::kLogPipeVariable or kLogReadVariable, if it gets that.
std::vector<std::string> child_environment(const Plan& plan, std::uint32_t generation,
                                           std::string_view log_variable = {}, int log_pipe_number = -1);

// What it inherits besides descriptors 0 to 2.
struct ChildDescriptors {
  int flow_read;
  int flow_write;
  int status;
  std::vector<int> listeners;
  int log_pipe = -1;         // an end of the log pipe
  int log_pipe_number = -1;  // as which the process gets it
};

// The number of the log pipe's end in the processes of a service: beyond the listeners, even those that are missing.
int log_pipe_number(const ServicePlan& service);

// The process id, once the program runs; the error when it could not be forked or run.
std::expected<pid_t, base::Error> start_child(const std::string& program, std::span<const std::string> arguments,
                                              std::span<const std::string> environment,
                                              const ChildDescriptors& descriptors);

}  // namespace master
