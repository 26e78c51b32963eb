#pragma once
// What main.cf and master.cf ask of master: read as a whole, checked as a whole, and then either used or refused.
// Reading changes nothing, so that a reload with a mistake in it leaves everything as it is.

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time_units.h"
#include "config/config.h"
#include "config/master_cf.h"
#include "master/endpoints.h"

namespace master {

// One service. It is offered unless `why_not` says why not, and then has no endpoints.
struct ServicePlan {
  enum class WhyNot {
    is_offered,
    needs_no_process,  // its work is done inside of the programs that would ask for it
    no_program,        // not in daemon_directory
    disabled,          // by master_service_disable
  };
  config::Service service;
  WhyNot why_not = WhyNot::is_offered;
  std::vector<Endpoint> endpoints;
  bool is_postlog = false;  // postlogd, where everyone looks for it
  std::string program_path;
  std::vector<std::string> words;  // of its command after the program, as it gets them

  std::string key() const;           // "smtp/inet"
  std::string display_name() const;  // "smtp" (25), or "flush" (public/flush), for messages
  // Two processes at a time would spoil each other's work; not even a finishing one counts as none.
  bool is_solitary() const;
  // Takes load from its first client on, so that it gets a process a CPU.
  bool is_busy_from_the_start() const;
  // Is told by `-o stress=` how hard the times are.
  bool is_told_of_stress() const;
};

struct Owner {
  uid_t uid;
  gid_t gid;
};

struct Plan {
  std::string directory;  // config_directory
  std::string version;
  std::string queue_directory;
  std::string data_directory;
  std::string syslog_name;
  std::string hostname;
  std::string postlog_path;   // empty unless there is a maillog_file
  bool has_log_pipe = false;  // postlogd takes the lines of master's children from a pipe
  base::Seconds throttle_time;
  std::optional<Owner> owner;  // mail_owner; nothing when an ordinary user runs all of it
  std::vector<ServicePlan> services;
};

// Everything that is wrong, in one go.
struct Findings {
  std::vector<std::string> errors;            // master cannot work with this
  std::vector<std::string> errors_elsewhere;  // some program cannot
  std::vector<std::string> warnings;          // of what was written, for whoever checks
  // These belong into the log at each start and reload.
  std::vector<std::string> notes;         // warnings of what is not as asked
  std::vector<std::string> old_defaults;  // what is as it is by an old default (config/old_defaults.h)
};

struct Reading {
  std::optional<Plan> plan;  // when there are no errors
  Findings findings;
};

// master_service_disable: "inet", "smtp/inet", "!submission/inet, inet": the first match decides. Empty error text:
// fine.
bool is_disabled(std::string_view list, const config::Service& service);

// The services of master.cf. Errors and warnings go to findings.
struct Surroundings {
  Network network;
  std::string daemon_directory;
  std::string disabled;  // master_service_disable
  std::string postlog_service = "postlog";
  config::ServiceDefaults defaults;
  bool rootless = false;
  std::function<bool(const std::string& path)> is_program;
  // Why no socket can have this address; empty when one can. The port is left out: it may be ours already.
  std::function<std::string(const Endpoint& endpoint)> problem_of_address;
};
std::vector<ServicePlan> plan_services(const config::MasterCf& file, const Surroundings& surroundings,
                                       Findings& findings);

// Reads both files. `thorough` also tries each service's -o options, and collects the remarks on main.cf.
enum class Thoroughness { usual, thorough };
Reading read_plan(const std::string& directory, Thoroughness thoroughness);

}  // namespace master
