#include "master/plan.h"

#include "master/listener.h"

#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/text.h"
#include "config/expand.h"
#include "config/old_defaults.h"
#include "config/param.h"

namespace master {

namespace {

namespace param = config::param;
using config::ServiceType;

// Rewriting, the TLS engine, the connection cache and DNS list look-ups live inside the programs that use them.
constexpr std::array<std::string_view, 4> kNeedNoProcess = {"trivial-rewrite", "tlsproxy", "scache", "dnsblog"};
constexpr std::array<std::string_view, 3> kBusyFromTheStart = {"smtpd", "cleanup", "smtp"};

template <std::size_t count>
bool is_among(std::string_view name, const std::array<std::string_view, count>& names) {
  return std::ranges::find(names, name) != names.end();
}

std::string at(const config::Origin& where, std::string_view text) {
  return fmt::format("{}: {}", where.text(), text);
}

bool is_regular_program(const std::string& path) {
  struct stat state{};
  return ::stat(path.c_str(), &state) == 0 && S_ISREG(state.st_mode) && ::access(path.c_str(), X_OK) == 0;
}

// The daemon's getopt needs the words as they stand, options among others; interpret() has sorted them.
std::vector<std::string> words_of(const config::ServiceLine& line) {
  std::vector<std::string> words;
  for (std::size_t i = 1; i < line.command.size(); ++i) words.push_back(config::unwrap(line.command[i]).text);
  return words;
}

// Told of once each, at the first line that names them: one program may have many services.
class MissingPrograms {
 public:
  void add(const ServicePlan& plan) {
    const auto known = std::ranges::find(all_, plan.program_path, &Missing::path);
    if (known != all_.end()) {
      known->services.push_back(plan.key());
    } else {
      all_.push_back({plan.service.where, plan.program_path, {plan.key()}});
    }
  }
  void tell(Findings& findings) const {
    for (const Missing& missing : all_) {
      const bool is_one = missing.services.size() == 1;
      findings.notes.push_back(at(missing.where, fmt::format("service{} {} {} not offered: there is no program {}",
                                                             is_one ? "" : "s", fmt::join(missing.services, ", "),
                                                             is_one ? "is" : "are", base::printable(missing.path))));
    }
  }

 private:
  struct Missing {
    config::Origin where;
    std::string path;
    std::vector<std::string> services;
  };
  std::vector<Missing> all_;
};

// Two services cannot listen at one place. The later one is told.
void find_clashes(const std::vector<ServicePlan>& services, Findings& findings) {
  std::map<std::string, const ServicePlan*, std::less<>> taken;
  for (const ServicePlan& plan : services) {
    for (const Endpoint& endpoint : plan.endpoints) {
      const auto [other, is_new] = taken.try_emplace(endpoint.text(), &plan);
      if (is_new) continue;
      findings.errors.push_back(
          at(plan.service.where,
             fmt::format("service {} listens at {}, where service {} of line {} does already", plan.key(),
                         endpoint.text(), other->second->key(), other->second->service.where.line)));
    }
  }
}

std::string problem_of(const std::vector<Endpoint>& endpoints, const Surroundings& surroundings) {
  if (!surroundings.problem_of_address) return {};
  for (const Endpoint& endpoint : endpoints) {
    if (std::string problem = surroundings.problem_of_address(endpoint); !problem.empty()) return problem;
  }
  return {};
}

// The one process at the place where all programs look for it; only ours knows of the log pipe.
bool is_postlog(const ServicePlan& plan, std::string_view postlog_service) {
  const config::Service& service = plan.service;
  const std::string& path = service.program;
  return service.type == ServiceType::unix_datagram && !service.is_private && service.name == postlog_service &&
         service.process_limit == 1 && path.substr(path.rfind('/') + 1) == "postlogd";
}

void check_owner(const config::Config& config, Plan& plan, Findings& findings) {
  if (::getuid() != 0) return;
  const std::string& name = config[param::mail_owner];
  const std::string file = config.directory() + "/main.cf";
  const passwd* user = ::getpwnam(name.c_str());
  if (user == nullptr) {
    findings.errors.push_back(
        fmt::format("file {}: parameter mail_owner: user {} has no passwd(5) entry: create it, or "
                    "name another",
                    file, base::printable(name)));
  } else if (user->pw_uid == 0) {
    findings.errors.push_back(fmt::format("file {}: parameter mail_owner: user {} has privileged user ID", file, name));
  } else {
    plan.owner = Owner{user->pw_uid, user->pw_gid};
  }
}

// The names that only -o options refer to are known to nobody else.
bool is_referred_to(std::string_view name, const std::vector<ServicePlan>& services) {
  bool found = false;
  for (const ServicePlan& plan : services) {
    for (const auto& [option, value] : plan.service.overrides) {
      config::for_each_reference(value, [&](std::string_view used) { found = found || used == name; });
    }
  }
  return found;
}

// Of "...unused parameter: NAME=VALUE..."; empty for any other text.
std::string_view unknown_name_in(std::string_view text) {
  constexpr std::string_view kStart = "unused parameter: ";
  const auto start = text.find(kStart);
  if (start == std::string_view::npos) return {};
  text.remove_prefix(start + kStart.size());
  return text.substr(0, text.find('='));
}

// What the -o options of each service break.
void check_overrides(const std::string& directory, const std::vector<ServicePlan>& services, Findings& findings) {
  const std::set<std::string> known(findings.errors_elsewhere.begin(), findings.errors_elsewhere.end());
  for (const ServicePlan& plan : services) {
    const config::Service& service = plan.service;
    if (service.overrides.empty()) continue;
    const auto config = config::Config::load({.directory = directory,
                                              .process_name = service.program,
                                              .service_name = service.name,
                                              .overrides = service.overrides});
    if (!config) continue;  // main.cf itself, told already
    const auto found = config->check(service.program);
    for (const base::Error& error : found.errors) {
      if (!known.contains(error.text)) findings.errors_elsewhere.push_back(at(service.where, error.text));
    }
    for (const config::Remark& remark : found.remarks) {
      if (remark.where.file == "-o") findings.warnings.push_back(at(service.where, remark.text));
    }
  }
}

}  // namespace

std::string ServicePlan::key() const {
  return fmt::format("{}/{}", service.name, config::name_of(service.type));
}

std::string ServicePlan::display_name() const {
  std::string place = service.name;
  if (!endpoints.empty()) {
    const Endpoint& first = endpoints.front();
    place = first.kind == Endpoint::Kind::inet ? std::to_string(first.port) : first.path;
  }
  return fmt::format("\"{}\" ({})", service.name, place);
}

bool ServicePlan::is_solitary() const {
  return service.process_limit == 1 && service.type != ServiceType::inet;
}

bool ServicePlan::is_busy_from_the_start() const {
  return is_among(service.program, kBusyFromTheStart);
}

bool ServicePlan::is_told_of_stress() const {
  const bool serves_clients = service.type == ServiceType::inet || service.type == ServiceType::pass;
  return service.program == "smtpd" && serves_clients && service.process_limit > 1;
}

bool is_disabled(std::string_view list, const config::Service& service) {
  const std::string_view type = config::name_of(service.type);
  const std::string full = fmt::format("{}/{}", service.name, type);
  for (std::string_view pattern : base::split(list)) {
    bool verdict = true;
    while (pattern.starts_with('!')) {
      verdict = !verdict;
      pattern.remove_prefix(1);
    }
    if (base::equals_folded(pattern, type) || base::equals_folded(pattern, full)) return verdict;
  }
  return false;
}

std::vector<ServicePlan> plan_services(const config::MasterCf& file, const Surroundings& surroundings,
                                       Findings& findings) {
  std::vector<config::Remark> remarks = file.remarks;
  std::vector<ServicePlan> services;
  bool told_of_chroot = false;
  MissingPrograms missing_programs;
  for (const config::ServiceLine* line : config::effective_lines(file, remarks)) {
    auto service = config::interpret(*line, surroundings.defaults);
    if (!service) {
      findings.errors.push_back(service.error().text);
      continue;
    }
    ServicePlan plan;
    plan.service = std::move(*service);
    plan.words = words_of(*line);
    plan.program_path = fmt::format("{}/{}", surroundings.daemon_directory, plan.service.program);
    if (surroundings.rootless && plan.service.chroot) {
      if (!told_of_chroot) {
        findings.notes.push_back(
            at(line->where, fmt::format("service {}: only the superuser can chroot: the chroot field of this and other "
                                        "services is not heeded",
                                        plan.key())));
      }
      told_of_chroot = true;
      plan.service.chroot = false;
    }
    if (line->chroot == "-" && plan.service.chroot) {
      findings.old_defaults.push_back(fmt::format("{}: line {}: using backwards-compatible default setting chroot=y",
                                                  line->where.file, line->where.line));
    }
    std::vector<Endpoint> endpoints;
    if (plan.service.type == ServiceType::inet) {
      auto found = inet_endpoints(plan.service.name, surroundings.network);
      if (!found) {
        findings.errors.push_back(at(line->where, fmt::format("service {}: {}", plan.key(), found.error().text)));
        continue;
      }
      endpoints = std::move(*found);
      if (const std::string problem = problem_of(endpoints, surroundings); !problem.empty()) {
        findings.errors.push_back(at(line->where, fmt::format("service {}: {}", plan.key(), problem)));
        continue;
      }
    } else if (auto found = local_endpoint(plan.service)) {
      endpoints.push_back(std::move(*found));
    } else {
      findings.errors.push_back(at(line->where, found.error().text));
      continue;
    }
    if (is_disabled(surroundings.disabled, plan.service)) {
      plan.why_not = ServicePlan::WhyNot::disabled;
    } else if (is_among(plan.service.program, kNeedNoProcess)) {
      plan.why_not = ServicePlan::WhyNot::needs_no_process;
    } else if (!surroundings.is_program(plan.program_path)) {
      plan.why_not = ServicePlan::WhyNot::no_program;
      missing_programs.add(plan);
    } else {
      plan.endpoints = std::move(endpoints);
      plan.is_postlog = is_postlog(plan, surroundings.postlog_service);
    }
    services.push_back(std::move(plan));
  }
  missing_programs.tell(findings);
  for (const config::Remark& remark : remarks) findings.warnings.push_back(at(remark.where, remark.text));
  find_clashes(services, findings);
  return services;
}

Reading read_plan(const std::string& directory, Thoroughness thoroughness) {
  Reading reading;
  Findings& findings = reading.findings;
  const auto config = config::Config::load({.directory = directory, .process_name = "master"});
  if (!config) {
    findings.errors.push_back(config.error().text);
    return reading;
  }
  const auto file = config::read_master_cf(config->directory() + "/master.cf");
  if (!file) findings.errors.push_back(file.error().text);

  const auto own = config->check("master");
  const auto all = config->check();  // of all programs
  std::set<std::string> told;
  for (const base::Error& error : own.errors) {
    if (told.insert(error.text).second) findings.errors.push_back(error.text);
  }
  if (!own.errors.empty()) return reading;  // nothing below could be computed

  Plan plan;
  try {
    plan.directory = config->directory();
    plan.version = (*config)[param::mail_version];
    plan.queue_directory = (*config)[param::queue_directory];
    plan.data_directory = (*config)[param::data_directory];
    plan.syslog_name = (*config)[param::syslog_name];
    plan.hostname = (*config)[param::myhostname];
    plan.throttle_time = (*config)[param::service_throttle_time];
    if (!(*config)[param::maillog_file].empty()) {
      plan.postlog_path = fmt::format("{}/public/{}", plan.queue_directory, (*config)[param::postlog_service_name]);
    }
    check_owner(*config, plan, findings);

    Surroundings surroundings;
    surroundings.daemon_directory = (*config)[param::daemon_directory];
    surroundings.disabled = (*config)[param::master_service_disable];
    surroundings.postlog_service = (*config)[param::postlog_service_name];
    surroundings.rootless = ::getuid() != 0;
    surroundings.is_program = is_regular_program;
    surroundings.problem_of_address = problem_of_address;
    surroundings.defaults.process_limit = (*config)[param::default_process_limit];
    surroundings.defaults.chroot = config::is_below_level(*config, "1");
    surroundings.network.inet_interfaces = (*config)[param::inet_interfaces];
    surroundings.network.inet_protocols = (*config)[param::inet_protocols];
    surroundings.network.has_ipv6 = kernel_has_ipv6();
    auto ports = parse_known_ports((*config)[param::known_tcp_ports]);
    if (ports) {
      surroundings.network.known_ports = std::move(*ports);
    } else {
      findings.errors.push_back(fmt::format("file {}/main.cf: {}", plan.directory, ports.error().text));
    }
    if (file) plan.services = plan_services(*file, surroundings, findings);
    plan.has_log_pipe = !plan.postlog_path.empty() && std::ranges::any_of(plan.services, &ServicePlan::is_postlog);
  } catch (const config::BadValue& bad) {
    if (told.insert(bad.what()).second) findings.errors.push_back(bad.what());
    return reading;
  }
  const auto is_known_after_all = [&plan](std::string_view text) {
    const auto name = unknown_name_in(text);
    return !name.empty() && is_referred_to(name, plan.services);
  };
  for (const base::Error& error : all.errors) {
    if (is_known_after_all(error.text)) continue;
    if (told.insert(error.text).second) findings.errors_elsewhere.push_back(error.text);
  }

  if (thoroughness == Thoroughness::thorough) {
    std::vector<config::Remark> remarks = config->remarks();
    remarks.insert(remarks.end(), all.remarks.begin(), all.remarks.end());
    for (const config::Remark& remark : remarks) {
      if (!is_known_after_all(remark.text)) findings.warnings.push_back(at(remark.where, remark.text));
    }
    check_overrides(plan.directory, plan.services, findings);
  }
  if (findings.errors.empty()) reading.plan = std::move(plan);
  return reading;
}

}  // namespace master
