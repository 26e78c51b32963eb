#include "master/supervisor.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/error.h"
#include "logging/log.h"
#include "master/wakeup.h"
#include "service/master_link.h"

namespace master {

namespace {

using std::chrono::seconds;

// How long hard times last, and how often they are told.
constexpr seconds kStress(1000);
constexpr seconds kRetryListening(10);
constexpr seconds kLastBreath(1);
constexpr int kMostAtFirstUse = 16;
constexpr int kMostMessagesATurn = 64;  // of one process: no one can keep master from the others

int own_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::clamp(CPU_COUNT(&set), 1, kMostAtFirstUse);
}

}  // namespace

Supervisor::Supervisor(Loop& loop, Manner manner, std::function<bool()> lines_wait)
    : loop_(loop), manner_(manner), lines_wait_(std::move(lines_wait)) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) throw base::Fatal(base::with_errno("pipe", errno));
  flow_read_.reset(ends[0]);
  flow_write_.reset(ends[1]);
  const std::string credit(service::kFlowCredit, '\0');
  if (::write(flow_write_.get(), credit.data(), credit.size()) < 0) {
    throw base::Fatal(base::with_errno("write to a pipe", errno));
  }
}

Supervisor::~Supervisor() = default;

std::expected<void, base::Error> Supervisor::adopt(Plan plan) {
  std::vector<Endpoint> wanted;
  for (const ServicePlan& service : plan.services) {
    wanted.insert(wanted.end(), service.endpoints.begin(), service.endpoints.end());
  }
  if (auto prepared = sockets_.prepare(wanted, plan.owner); !prepared) return prepared;

  // From here on there is no way back.
  std::map<std::string, History> histories;
  for (const auto& service : services_) histories[service->plan.key()] = service->history;
  retire_all();
  for (const base::Error& error : sockets_.commit()) {
    logging::error("master.cannot_listen", "{reason}; trying again every {seconds} seconds",
                   {{"reason", error.text}, {"seconds", kRetryListening.count()}});
  }
  if (sockets_.has_missing()) loop_.after(kRetryListening, [this] { try_missing(); });

  plan_ = std::move(plan);
  if (plan_.has_log_pipe) {
    if (const auto made = log_pipe_.make(); !made) {
      logging::warning("master.no_log_pipe", "{reason}", {{"reason", made.error().text}});
      plan_.has_log_pipe = false;
    }
  }
  for (const ServicePlan& each : plan_.services) {
    if (each.why_not != ServicePlan::WhyNot::is_offered) {
      logging::debug("master.service_not_offered", "service {service} is served by no process",
                     {{"service", each.key()}});
      continue;
    }
    auto service = std::make_unique<Service>();
    service->plan = each;
    service->history = histories[each.key()];
    services_.push_back(std::move(service));
  }
  watch_log_pipe();  // first: a new postlogd's service watches the same descriptor
  for (const auto& service : services_) {
    refresh(*service);
    wake_if_used(*service);
  }
  return {};
}

bool Supervisor::has_log_reader() const {
  return std::ranges::any_of(processes_, [](const auto& each) { return each.second->reads_log; });
}

// Lines of processes that began when there was a postlogd still, and all lines while it cannot start: they say why.
void Supervisor::watch_log_pipe() {
  const bool is_ours =
      log_pipe_.is_there() && !expects_deaths_ && !has_log_reader() &&
      std::ranges::none_of(services_, [](const auto& each) { return each->plan.is_postlog && !each->pause; });
  if (is_ours == watches_log_pipe_) return;
  watches_log_pipe_ = is_ours;
  if (is_ours) {
    loop_.watch_reading(log_pipe_.reading(), [this] {
      if (lines_wait_()) return;
      loop_.forget(log_pipe_.reading());
      watches_log_pipe_ = false;
    });
  } else {
    loop_.forget(log_pipe_.reading());
  }
}

// The processes of the present plan take no further client.
void Supervisor::retire_all() {
  for (const auto& service : services_) {
    for (const int fd : service->watched) loop_.forget(fd);
    stop_timers(*service);
  }
  for (const auto& [pid, process] : processes_) {
    if (process->service == nullptr) continue;
    process->service = nullptr;
    if (process->status) {
      (void)::send(process->status.get(), &service::kFinish, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
    }
  }
  services_.clear();
}

void Supervisor::stop_serving() {
  expects_deaths_ = true;
  retire_all();
  watch_log_pipe();
}

void Supervisor::stop_timers(Service& service) {
  if (service.pause) loop_.cancel(*service.pause);
  if (service.alarm) loop_.cancel(*service.alarm);
  if (service.pending_wakeup) loop_.forget(service.pending_wakeup.get());
  if (service.calm) loop_.cancel(*service.calm);
  service.pause.reset();
  service.alarm.reset();
  service.calm.reset();
  service.pending_wakeup.reset();
}

std::vector<int> Supervisor::listeners_of(const Service& service) const {
  std::vector<int> fds;
  for (const Endpoint& endpoint : service.plan.endpoints) {
    if (const int fd = sockets_.descriptor_of(endpoint); fd >= 0) fds.push_back(fd);
  }
  return fds;
}

Population Supervisor::population_of(const Service& service) const {
  Population population;
  population.limit = service.plan.service.process_limit;
  population.at_first_use = service.plan.is_busy_from_the_start() ? own_cpus() : 1;
  population.solitary = service.plan.is_solitary();
  population.throttled = service.pause.has_value();
  const std::string key = service.plan.key();
  for (const auto& [pid, process] : processes_) {
    if (process->service == &service) {
      ++population.running;
      if (process->available) ++population.available;
    } else if (process->service == nullptr && process->key == key) {
      ++population.finishing;
    }
  }
  return population;
}

// Clients are master's business only when one of them would make it start a process.
void Supervisor::refresh(Service& service) {
  const Population population = population_of(service);
  std::vector<int> wanted;
  if (processes_to_start(population) > 0) {
    wanted = listeners_of(service);
    // A line that waits is a client as a datagram is.
    if (service.plan.is_postlog && log_pipe_.is_there()) wanted.push_back(log_pipe_.reading());
  }
  if (wanted != service.watched) {
    for (const int fd : service.watched) loop_.forget(fd);
    for (const int fd : wanted) loop_.watch_reading(fd, [this, &service] { client_waits(service); });
    service.watched = std::move(wanted);
  }
  if (is_at_limit(population)) tell_limit(service);
}

void Supervisor::client_waits(Service& service) {
  const Population population = population_of(service);
  const int count = processes_to_start(population);
  // The last one that may run, and only because all others are full: times are hard.
  const int limit = population.limit;
  if (population.running > 0 && limit > 0 && population.running + count >= limit) {
    stress(service);
  }
  for (int i = 0; i < count && start(service); ++i) {
  }
  if (!service.history.was_used) {
    service.history.was_used = true;
    if (service.plan.service.wakeup_only_if_used) set_alarm(service);
  }
  refresh(service);
}

bool Supervisor::start(Service& service) {
  const ServicePlan& plan = service.plan;
  const auto failed = [&](std::string_view reason) {
    logging::warning("master.start_failed", "{reason}", {{"reason", reason}});
    logging::warning("master.throttling", "{program}: bad command startup -- throttling",
                     {{"program", plan.program_path}, {"service", plan.key()}});
    pause(service);
    return false;
  };
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0) {
    return failed(base::with_errno("socketpair", errno));
  }
  base::Fd ours(ends[0]);
  const base::Fd theirs(ends[1]);
  const auto now = Clock::now();
  Stress stress = Stress::not_told;
  if (plan.is_told_of_stress()) stress = now < service.history.stress_until ? Stress::yes : Stress::no;
  if (stress == Stress::yes) wait_for_calm(service);
  const std::uint32_t generation = ++generation_;
  ChildDescriptors descriptors{flow_read_.get(), flow_write_.get(), theirs.get(), listeners_of(service)};
  std::string_view log_variable;
  const bool reads_log = plan.is_postlog && log_pipe_.is_there();
  if (reads_log) {
    log_variable = service::kLogReadVariable;
    descriptors.log_pipe = log_pipe_.reading();
  } else if (plan_.has_log_pipe) {
    log_variable = service::kLogPipeVariable;
    descriptors.log_pipe = log_pipe_.writing();
  }
  descriptors.log_pipe_number = log_pipe_number(plan);
  const auto pid =
      start_child(plan.program_path, child_arguments(plan, manner_, stress),
                  child_environment(plan_, generation, log_variable, descriptors.log_pipe_number), descriptors);
  if (!pid) return failed(pid.error().text);

  auto process = std::make_unique<Process>();
  process->pid = *pid;
  process->status = std::move(ours);
  process->generation = generation;
  process->service = &service;
  process->key = plan.key();
  process->program_path = plan.program_path;
  process->reads_log = reads_log;
  process->started = now;
  logging::debug("master.started", "service {service}: process {process}",
                 {{"service", plan.key()}, {"process", *pid}});
  loop_.watch_reading(process->status.get(), [this, known = process.get()] { read_status(*known); });
  processes_[*pid] = std::move(process);
  return true;
}

void Supervisor::pause(Service& service) {
  if (service.pause) return;
  service.pause = loop_.after(plan_.throttle_time, [this, &service] {
    service.pause.reset();
    watch_log_pipe();  // before the service does
    refresh(service);
    wake_if_used(service);
  });
  refresh(service);
  watch_log_pipe();
}

void Supervisor::set_alarm(Service& service) {
  if (service.plan.service.wakeup <= 0) return;
  if (service.alarm) loop_.cancel(*service.alarm);
  service.alarm = loop_.after(seconds(service.plan.service.wakeup), [this, &service] {
    service.alarm.reset();
    wake(service);
  });
}

void Supervisor::wake_if_used(Service& service) {
  if (!service.plan.service.wakeup_only_if_used || service.history.was_used) wake(service);
}

void Supervisor::wake(Service& service) {
  if (service.plan.service.wakeup <= 0) return;
  set_alarm(service);
  if (service.pause || service.plan.endpoints.empty()) return;
  const Endpoint& endpoint = service.plan.endpoints.front();
  const int listener = sockets_.descriptor_of(endpoint);
  if (listener < 0) return;
  if (service.pending_wakeup) loop_.forget(service.pending_wakeup.get());
  service.pending_wakeup = send_wakeup(endpoint, listener).unfinished;
  if (!service.pending_wakeup) return;
  loop_.watch_writing(service.pending_wakeup.get(), [&service] {
    finish_wakeup(service.pending_wakeup.get());
    service.pending_wakeup.reset();
  });
}

void Supervisor::tell_limit(Service& service) {
  const config::Service& line = service.plan.service;
  const bool serves_clients = line.type == config::ServiceType::inet || line.type == config::ServiceType::pass;
  const auto now = Clock::now();
  if (!serves_clients || now < service.history.limit_told) return;
  service.history.limit_told = now + kStress;
  stress(service);
  logging::warning(
      "master.process_limit",
      "service {service} has reached its process limit \"{limit}\": new clients may experience noticeable delays",
      {{"service", service.plan.display_name()}, {"limit", line.process_limit}});
  logging::warning(
      "master.process_limit_advice",
      "to avoid this condition, increase the process count in master.cf or reduce the service time per client");
  logging::warning(
      "master.process_limit_advice",
      "see https://www.postfix.org/STRESS_README.html for examples of stress-adapting configuration settings");
}

// All its processes are busy. Those that are to know are told at their start; the others hear of it now.
void Supervisor::stress(Service& service) {
  service.history.stress_until = Clock::now() + kStress;
  if (!service.plan.is_told_of_stress() || service.calm) return;
  tell_all(service, service::kStress);
  wait_for_calm(service);
}

void Supervisor::wait_for_calm(Service& service) {
  if (service.calm) return;
  service.calm = loop_.after(service.history.stress_until - Clock::now(), [this, &service] {
    service.calm.reset();
    if (Clock::now() < service.history.stress_until) return wait_for_calm(service);
    tell_all(service, service::kCalm);
  });
}

void Supervisor::tell_all(const Service& service, char word) {
  for (const auto& [pid, process] : processes_)
    if (process->service == &service && process->status)
      (void)::send(process->status.get(), &word, 1, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void Supervisor::drop_status(Process& process) {
  if (process.status) loop_.forget(process.status.get());
  process.status.reset();
  process.available = false;
}

// It has ended, which SIGCHLD is about to tell, together with whether a successor may start at once. Or else it has
// closed the socket, and will never again say whether it has room.
void Supervisor::lost_status(Process& process) {
  const bool was_available = process.available;
  drop_status(process);
  process.available = was_available;
  loop_.after(kLastBreath, [this, pid = process.pid, generation = process.generation] {
    const auto known = processes_.find(pid);
    if (known == processes_.end() || known->second->generation != generation) return;
    known->second->available = false;
    if (known->second->service != nullptr) refresh(*known->second->service);
  });
}

void Supervisor::read_status(Process& process) {
  for (int i = 0; i < kMostMessagesATurn; ++i) {
    const ssize_t got = ::recv(process.status.get(), process.message + process.received,
                               sizeof process.message - process.received, MSG_DONTWAIT);
    if (got < 0 && (errno == EAGAIN || errno == EINTR)) break;
    if (got <= 0) {
      lost_status(process);
      break;
    }
    process.received += static_cast<std::size_t>(got);
    if (process.received < sizeof process.message) continue;
    process.received = 0;
    service::StatusMessage message{};
    std::memcpy(&message, process.message, sizeof message);
    heed(process, message);
    if (!process.status) break;
  }
  if (process.service != nullptr) refresh(*process.service);
}

void Supervisor::heed(Process& process, const service::StatusMessage& message) {
  const bool is_known_state = message.state == service::kTaken || message.state == service::kAvailable;
  if (message.pid != process.pid || message.generation != process.generation || !is_known_state) {
    logging::warning("master.bad_status",
                     "process {program} pid {process}: unexpected status message; not heeded from now on",
                     {{"program", process.program_path}, {"process", process.pid}});
    drop_status(process);
    return;
  }
  const bool available = message.state == service::kAvailable;
  if (available) process.completed_a_client = true;
  if (available && process.service != nullptr) process.service->history.has_served = true;
  process.available = available;
}

void Supervisor::reap() {
  while (true) {
    int status = 0;
    const pid_t pid = ::waitpid(-1, &status, WNOHANG);
    if (pid < 0 && errno == EINTR) continue;
    if (pid <= 0) return;
    ended(pid, status);  // as process 1, also of orphans
  }
}

void Supervisor::ended(pid_t pid, int status) {
  const auto known = processes_.find(pid);
  if (known == processes_.end()) return;
  if (known->second->status) read_status(*known->second);  // its last words
  const std::unique_ptr<Process> process = std::move(known->second);
  processes_.erase(known);
  drop_status(*process);

  const bool failed = status != 0;
  if (failed && !expects_deaths_) {
    const logging::Fields exited = {
        {"program", process->program_path}, {"process", pid}, {"status", WEXITSTATUS(status)}};
    const logging::Fields killed = {{"program", process->program_path}, {"process", pid}, {"signal", WTERMSIG(status)}};
    if (WIFEXITED(status)) {
      logging::warning("master.exit_status", "process {program} pid {process} exit status {status}", exited);
    } else {
      logging::warning("master.killed", "process {program} pid {process} killed by signal {signal}", killed);
    }
  }
  Ending ending;
  ending.failed = failed;
  // No program kills itself in this way: a service that works loses its idle processes to the kernel, or to a person.
  const bool was_shot = WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL && process->service != nullptr &&
                        process->service->history.has_served;
  ending.completed_a_client = process->completed_a_client || was_shot;
  ending.was_finishing = process->service == nullptr;
  ending.age = Clock::now() - process->started;
  if (process->service != nullptr && asks_for_pause(ending) && !expects_deaths_) {
    logging::warning("master.throttling", "{program}: bad command startup -- throttling",
                     {{"program", process->program_path}, {"service", process->key}});
    pause(*process->service);
  }
  // Whoever waits for this one to be gone may begin now.
  for (const auto& service : services_) {
    if (service.get() == process->service || service->plan.key() == process->key) refresh(*service);
  }
  if (process->reads_log) watch_log_pipe();
  // It has died with what it had been told, and who told it does not say it again.
  if (failed && process->service != nullptr && !expects_deaths_) wake_if_used(*process->service);
}

void Supervisor::try_missing() {
  if (!sockets_.has_missing()) return;
  (void)sockets_.open_missing();
  if (sockets_.has_missing()) {
    loop_.after(kRetryListening, [this] { try_missing(); });
  } else {
    logging::info("master.listening", "all services are listened for again");
  }
  for (const auto& service : services_) refresh(*service);
}

void Supervisor::signal_all(int signal, bool whole_group) const {
  if (whole_group) ::kill(0, signal);
  for (const auto& [pid, process] : processes_) ::kill(pid, signal);
}

}  // namespace master
