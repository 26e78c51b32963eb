#include "service/process.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "io/socket.h"
#include "io/stream.h"
#include "logging/log.h"
#include "service/passed.h"

namespace service {

namespace {

using namespace std::chrono_literals;

constexpr auto kStaleInterval = 1s;     // at most so often are files looked at
constexpr auto kHouseInterval = 5s;     // how often a process with work looks at them when no one new comes
constexpr auto kAvailableDelay = 20ms;  // a client that goes on at once makes no news for master
constexpr auto kDescriptorPause = 1s;   // before accepting again when descriptors have run out

}  // namespace

void Server::serve(Client) {}
void Server::triggered(std::string_view) {}
void Server::datagram(std::string_view) {}
void Server::finish(io::Deadline) {}

class Process::Presence {
 public:
  Presence(Process& process, Records::iterator record) : process_(process), record_(record) {}
  ~Presence() {
    process_.client_ended(record_);
    process_.link_.tell_of_success();
  }
  Presence(const Presence&) = delete;
  Presence& operator=(const Presence&) = delete;

 private:
  Process& process_;
  Records::iterator record_;
};

namespace {

io::Loop::Options loop_options(const Place& place) {
  io::Loop::Options options;
  if (place.one_thread) options.offload_threads = 0;
  return options;
}

}  // namespace

Process::Process(Server& server, Clients clients, bool lives_on, Place place)
    : server_(server),
      clients_(clients),
      lives_on_(lives_on),
      place_(std::move(place)),
      link_(place_.status_fd, place_.generation),
      last_activity_(io::Clock::now()),
      loop_(loop_options(place_)) {
  ipc::set_idle_observer(this);
}

Process::~Process() {
  master_is_gone_ = true;  // nothing that the clients' ends bring about now is news
  ipc::set_idle_observer(nullptr);
}

void Process::run() {
  std::optional<Watchdog> watchdog;
  if (place_.watchdog_time.count() > 0) {
    watchdog.emplace(place_.watchdog_time);
    loop_.spawn_vital("watchdog", [&] {
      while (true) {
        watchdog->pat();
        io::sleep_until(io::Deadline::after(watchdog->interval()));
      }
    });
  }
  // There already when it is wanted: the end must not need what has run out.
  loop_.spawn_vital("finish", [this] {
    while (!retiring_) (void)retired_.wait(io::Deadline::never());
    finish();
  });
  loop_.spawn_vital("start", [this] {
    server_.start();
    open_for_business();
  });
  loop_.run();
}

void Process::run_stand_alone(base::Fd fd) {
  loop_.spawn("client", [this, &fd] {
    server_.start();
    served_ = 1;
    records_.push_back({{}, fd.get()});
    {
      const Presence presence(*this, records_.begin());
      talk_to({std::move(fd), {}});
    }
    server_.finish(io::Deadline::after(place_.finish_time));
  });
  loop_.run();
}

void Process::open_for_business() {
  if (retiring_) return;
  for (const int listener : place_.listeners) {
    if (clients_ == Clients::datagrams) {
      listening_.push_back(io::spawn_steady("datagrams", [this, listener] { listen_to_datagrams(listener); }));
    } else if (place_.type == config::ServiceType::fifo) {
      listening_.push_back(io::spawn_steady("fifo", [this, listener] { listen_to_fifo(listener); }));
    } else {
      listening_.push_back(io::spawn_steady("accept", [this, listener] { listen_to(listener); }));
    }
  }
  if (place_.log_pipe >= 0) {
    listening_.push_back(io::spawn_steady("log pipe", [this] { listen_to_log_pipe(); }));
  }
  if (clients_ == Clients::triggers) io::spawn_steady("triggers", [this] { pass_letters_on(); });
  if (place_.status_fd >= 0) {
    io::spawn_steady("master", [this] { listen_to_master(); });
  }
  io::spawn_steady("house", [this] { keep_house(); });
}

void Process::listen_to_master() {
  while (true) {
    const Link::Word word = link_.next_word();
    switch (word) {
      case Link::Word::stress:
      case Link::Word::calm:
        server_.stressed(word == Link::Word::stress);
        break;
      case Link::Word::told_to_finish:
        return retire("told to finish");
      case Link::Word::master_is_gone:
        master_is_gone_ = true;
        return retire("master disconnect");
    }
  }
}

// --- clients -----------------------------------------------------------------------------------------------------

void Process::listen_to(int listener) {
  while (make_room(listener)) {
    // After a pause the files are looked at first: who is waiting then is served by the process that comes after us.
    const bool check_first = io::Clock::now() - last_stale_check_ >= kStaleInterval;
    if (check_first && io::wait_readable(listener, io::Deadline::never()) == io::Wakeup::ready && is_stale()) return;
    auto connection = io::accept_waiting(listener);
    if (!connection) {
      logging::warning("service.accept_failed", "{reason}", {{"reason", connection.error().text}});
      io::sleep_until(io::Deadline::after(kDescriptorPause));
    } else if (!*connection) {
      (void)io::wait_readable_again(listener, io::Deadline::never());
    } else {
      // Of several listeners each may have brought a client for the same place.
      while (records_.size() >= static_cast<std::size_t>(place_.client_limit) && !retiring_) {
        if (drop_an_idle_client()) {
          io::yield();
        } else {
          (void)room_.wait(io::Deadline::never());
        }
      }
      admit(std::move(*connection));
    }
  }
}

// Waits until there is a place for one more. False: no more clients.
bool Process::make_room(int listener) {
  const auto limit = static_cast<std::size_t>(place_.client_limit);
  while (!retiring_ && records_.size() >= limit) {
    if (idle_.empty()) {
      (void)room_.wait(io::Deadline::never());
      continue;
    }
    // Kept connections make way, but only when someone comes.
    (void)io::wait_readable(listener, io::Deadline::never());
    if (records_.size() >= limit && drop_an_idle_client()) io::yield();
  }
  return !retiring_;
}

void Process::admit(base::Fd connection) {
  ++served_;
  last_activity_ = io::Clock::now();
  const auto client = std::make_shared<Client>();
  client->fd = std::move(connection);
  const auto record = records_.insert(records_.end(), {{}, client->fd.get()});
  try {
    by_fd_.insert_or_assign(record->fd, record);
    tell_master();
    record->fiber = serve_in_fiber(client, record);
  } catch (const std::exception&) {  // no memory: the client is turned away
    client_ended(record);
    server_.missed_a_client();
    throw;
  }
  if (place_.max_use > 0 && served_ >= place_.max_use && !lives_on_) retire("maximal use count reached");
}

io::FiberHandle Process::serve_in_fiber(const std::shared_ptr<Client>& client, Records::iterator record) {
  return io::spawn("client", [this, client, record] {
    const Presence presence(*this, record);
    if (place_.type == config::ServiceType::pass) {
      auto passed = receive_passed(std::move(client->fd), io::Deadline::after(place_.ipc_timeout));
      if (!passed) {
        logging::warning("service.pass_failed", "receive a passed connection: {reason}",
                         {{"reason", passed.error().text}});
        return;
      }
      *client = std::move(*passed);
    }
    if (clients_ == Clients::triggers) {
      receive_letters(std::move(*client));
    } else {
      talk_to(std::move(*client));
    }
  });
}

void Process::talk_to(Client client) {
  try {
    server_.serve(std::move(client));
  } catch (const io::StreamError& error) {
    logging::debug("service.client_gone", "client: {reason}", {{"reason", error.what()}});
  } catch (const base::Fatal&) {
    throw;
  } catch (const std::exception& error) {
    logging::error("service.client_failed", "serving a client failed: {reason}", {{"reason", error.what()}});
    server_.missed_a_client();
  }
}

void Process::client_ended(Records::iterator record) noexcept {
  std::erase(idle_, record);
  const auto place = by_fd_.find(record->fd);
  if (place != by_fd_.end() && place->second == record) by_fd_.erase(place);
  records_.erase(record);
  last_activity_ = io::Clock::now();
  room_.notify_all();
  left_.notify_all();
  tell_master();
}

bool Process::idle(int fd) {
  const auto place = by_fd_.find(fd);
  if (place == by_fd_.end()) return true;
  if (!retiring_) (void)is_stale();
  if (retiring_) return false;
  last_activity_ = io::Clock::now();
  idle_.push_back(place->second);
  place->second->idle = true;
  room_.notify_all();
  tell_master();
  link_.tell_of_success();
  return true;
}

void Process::resumed(int fd) noexcept {
  const auto place = by_fd_.find(fd);
  if (place == by_fd_.end() || !place->second->idle) return;
  place->second->idle = false;
  std::erase(idle_, place->second);
  last_activity_ = io::Clock::now();
  tell_master();
}

bool Process::drop_an_idle_client() {
  if (idle_.empty()) return false;
  idle_.front()->fiber.cancel();
  return true;
}

// Master is told what it needs in order to start another process in time, and not more.
void Process::tell_master() {
  if (master_is_gone_) return;
  const auto limit = static_cast<std::size_t>(place_.client_limit);
  if (retiring_ || active() >= limit) {
    link_.tell(kTaken);
  } else if (records_.size() < limit) {
    link_.tell(kAvailable);
  } else if (!availability_check_due_ && io::in_fiber()) {
    try {
      io::spawn("availability", [this] {
        io::sleep_until(io::Deadline::after(kAvailableDelay));
        availability_check_due_ = false;
        if (!retiring_ && active() < static_cast<std::size_t>(place_.client_limit)) link_.tell(kAvailable);
      });
      availability_check_due_ = true;
    } catch (const std::exception&) {
      // keep_house() tells it a little later.
    }
  }
}

// --- the end -----------------------------------------------------------------------------------------------------

bool Process::is_stale() {
  const auto now = io::Clock::now();
  if (now - last_stale_check_ < kStaleInterval) return false;
  last_stale_check_ = now;
  const std::string changed = server_.stale();
  if (changed.empty()) return false;
  logging::info("service.table_changed", "table {table} has changed -- restarting", {{"table", changed}});
  retire("table has changed");
  return true;
}

void Process::keep_house() {
  while (!retiring_) {
    const bool idle = active() == 0 && !server_.busy();
    const bool may_go = place_.max_idle.count() > 0 && !lives_on_;
    const auto idle_until = last_activity_ + place_.max_idle;
    if (idle && may_go && io::Clock::now() >= idle_until) {
      retire("idle timeout");
      return;
    }
    // Who is idle looks at its files when the next client comes.
    if (!idle || lives_on_) (void)is_stale();
    tell_master();  // should it have been too busy to be told
    const auto next_look = io::Clock::now() + kHouseInterval;
    io::sleep_until(io::Deadline::at(idle && may_go && !lives_on_ ? idle_until : next_look));
  }
}

void Process::retire(std::string_view why) {
  if (retiring_) return;
  retiring_ = true;
  logging::debug("service.retire", "{why} -- exiting", {{"why", why}});
  tell_master();
  for (auto& listening : listening_) listening.cancel();
  for (const auto& record : idle_) record->fiber.cancel();
  room_.notify_all();
  letters_came_.notify_all();
  retired_.notify_all();
}

void Process::finish() {
  io::yield();  // those that listened have stopped
  const auto deadline = io::Deadline::after(place_.finish_time);
  if (clients_ == Clients::datagrams) {
    for (const int listener : place_.listeners) {
      while (take_datagrams(listener) > 0) {
      }
    }
    server_.no_more_datagrams();
  }
  // Another process may want the address, for something else.
  for (const int listener : std::exchange(place_.listeners, {})) {
    io::forget(listener);
    ::close(listener);
  }
  // Master keeps the pipe for who comes next. Without master there is no one.
  if (place_.log_pipe >= 0 && master_is_gone_) take_last_lines(deadline);
  server_.finish(deadline);
  while ((!records_.empty() || telling_letters_ || !letters_.empty()) && left_.wait(deadline) == io::Wakeup::ready) {
  }
  if (!records_.empty()) {
    logging::warning("service.clients_left", "exiting with {count} clients unfinished", {{"count", records_.size()}});
  }
  loop_.stop();
}

}  // namespace service
