#pragma once
// The services and their processes: who is started, who is told to finish, who has died of what.

#include <sys/types.h>

#include <csignal>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "base/fd.h"
#include "master/child.h"
#include "master/log_pipe.h"
#include "master/loop.h"
#include "master/plan.h"
#include "master/population.h"
#include "master/sockets.h"
#include "service/master_link.h"

namespace master {

class Supervisor {
 public:
  // The loop must outlive it. `lines_wait`: the log pipe has something to read, and there is no postlogd, nor a service
  // that would start one now. False: it has to stay there for the time being.
  Supervisor(Loop& loop, Manner manner, std::function<bool()> lines_wait);
  ~Supervisor();

  // Takes the plan over, at start or in place of the one in force: what is listened at in both stays open all the time,
  // processes of the old one finish what they have, new ones begin. With an error, nothing has changed.
  std::expected<void, base::Error> adopt(Plan plan);
  const Plan& plan() const { return plan_; }

  void reap();  // children have ended
  // To all processes, and all theirs when master leads a process group of its own.
  void signal_all(int signal, bool whole_group) const;
  bool has_processes() const { return !processes_.empty(); }
  const LogPipe& log_pipe() const { return log_pipe_; }
  bool has_log_reader() const;  // a postlogd, even one that is about to end
  void stop_serving();          // no process is started any more, and their deaths are no news

 private:
  struct Service;
  struct Process {
    pid_t pid;
    base::Fd status;
    std::uint32_t generation;
    Service* service;  // null: of an earlier plan, and told to finish
    std::string key;   // of the service, whichever plan it was in
    std::string program_path;
    bool reads_log = false;
    Clock::time_point started;
    bool available = true;
    bool completed_a_client = false;
    std::size_t received = 0;
    char message[sizeof(service::StatusMessage)];
  };
  // What outlives a reload.
  struct History {
    Clock::time_point stress_until{};
    Clock::time_point limit_told{};  // not again before this
    bool was_used = false;
    bool has_served = false;  // one of its processes completed a client
  };
  struct Service {
    ServicePlan plan;
    std::vector<int> watched;
    std::optional<Loop::TimerId> pause;
    std::optional<Loop::TimerId> alarm;
    std::optional<Loop::TimerId> calm;  // its processes have been told of stress, and will be told of its end
    base::Fd pending_wakeup;
    History history;
  };

  void retire_all();
  std::vector<int> listeners_of(const Service& service) const;
  void watch_log_pipe();
  Population population_of(const Service& service) const;
  void refresh(Service& service);
  void client_waits(Service& service);
  bool start(Service& service);
  void pause(Service& service);
  void wake(Service& service);
  void wake_if_used(Service& service);  // for those that `?` in master.cf lets sleep until they have been
  void set_alarm(Service& service);
  void stop_timers(Service& service);
  void tell_limit(Service& service);
  void stress(Service& service);
  void wait_for_calm(Service& service);
  void tell_all(const Service& service, char word);
  void read_status(Process& process);
  void heed(Process& process, const service::StatusMessage& message);
  void drop_status(Process& process);
  void lost_status(Process& process);
  void ended(pid_t pid, int status);
  void try_missing();

  Loop& loop_;
  Manner manner_;
  Plan plan_;
  Sockets sockets_;
  base::Fd flow_read_;
  base::Fd flow_write_;
  LogPipe log_pipe_;
  std::function<bool()> lines_wait_;
  bool watches_log_pipe_ = false;
  std::vector<std::unique_ptr<Service>> services_;
  std::map<pid_t, std::unique_ptr<Process>> processes_;
  std::uint32_t generation_ = 0;
  bool expects_deaths_ = false;
};

}  // namespace master
