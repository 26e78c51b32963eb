#pragma once
// A daemon process that serves: which clients it has, when it is full, when it has served enough, and its end.

#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/master_cf.h"
#include "io/fiber.h"
#include "ipc/channel.h"
#include "service/link.h"
#include "service/service.h"
#include "service/watchdog.h"

namespace service {

struct Place {
  config::ServiceType type = config::ServiceType::unix_stream;
  std::vector<int> listeners;
  int status_fd = -1;
  int log_pipe = -1;  // for postlogd
  std::uint32_t generation = 0;
  int client_limit = 100;
  long max_use = 0;                     // clients in all; 0: no limit
  io::Clock::duration max_idle{};       // 0: no limit
  io::Clock::duration ipc_timeout{};    // for what a trigger or a passed descriptor takes to arrive
  io::Clock::duration finish_time{};    // for the last clients of a process that retires
  io::Clock::duration watchdog_time{};  // 0: none
  bool solitary = false;                // no other process of this service may run beside it
  bool one_thread = false;              // what blocks is done in place
};

class Process final : public ipc::IdleObserver {
 public:
  Process(Server& server, Clients clients, bool lives_on, Place place);
  ~Process();
  Process(const Process&) = delete;
  Process& operator=(const Process&) = delete;

  void run();  // until its end; throws base::Fatal

  // One client, without listeners or master, and then the end.
  void run_stand_alone(base::Fd fd);

 private:
  struct Record {
    io::FiberHandle fiber;
    int fd;
    bool idle = false;  // its connection is kept, between two requests
  };
  using Records = std::list<Record>;
  class Presence;  // of a client: from its acceptance to its end

  void open_for_business();
  void listen_to_master();
  void listen_to(int listener);
  void listen_to_fifo(int fifo);
  void listen_to_datagrams(int socket);
  std::size_t take_datagrams(int socket);
  void listen_to_log_pipe();
  Server::Lines take_lines();
  void take_last_lines(io::Deadline deadline);
  bool make_room(int listener);
  void admit(base::Fd connection);
  io::FiberHandle serve_in_fiber(const std::shared_ptr<Client>& client, Records::iterator record);
  void talk_to(Client client);

  void receive_letters(Client client);
  void note_letters(std::string_view letters);
  void pass_letters_on();

  bool idle(int fd) override;
  void resumed(int fd) noexcept override;
  bool drop_an_idle_client();
  std::size_t active() const { return records_.size() - idle_.size(); }
  void tell_master();
  void client_ended(Records::iterator record) noexcept;

  bool is_stale();
  void keep_house();
  void retire(std::string_view why);
  void finish();

  Server& server_;
  Clients clients_;
  bool lives_on_;
  Place place_;
  Link link_;

  Records records_;
  std::map<int, Records::iterator> by_fd_;
  std::list<Records::iterator> idle_;  // the longest idle one first
  long served_ = 0;
  bool retiring_ = false;
  bool master_is_gone_ = false;
  bool availability_check_due_ = false;
  io::Clock::time_point last_activity_;
  io::Clock::time_point last_stale_check_ = io::Clock::now();  // all was opened just now
  std::vector<io::FiberHandle> listening_;
  io::Condition room_;
  io::Condition left_;  // a client ended
  io::Condition retired_;

  std::string letters_;  // that triggered() has not been told yet
  io::Condition letters_came_;
  bool telling_letters_ = false;

  io::Loop loop_;  // last: its end unwinds the fibers, which use all of the above
};

}  // namespace service
