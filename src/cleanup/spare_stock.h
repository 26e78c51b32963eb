#pragma once
// Spare files (queue/spare.h) for the next messages, kept while many come in.

#include <optional>
#include <string>
#include <vector>

#include "io/fiber.h"
#include "ipc/channel.h"
#include "queue/spool.h"

namespace cleanup {

class SpareStock {
 public:
  struct Settings {
    int most = 0;              // 0: none at all
    int busy = 0;              // messages a second from which on it is worth while
    std::string queue_socket;  // of qmgr
  };
  // The spool outlives it.
  SpareStock(const queue::Spool& spool, Settings settings) : spool_(spool), settings_(std::move(settings)) {}

  // For each new message: a spare file's name, if there is one. It is the caller's from here on.
  std::optional<std::string> take();
  // The process ends.
  void close();
  std::size_t size() const { return names_.size(); }

 private:
  bool is_busy() const;
  void keep_supplied();
  void supply(ipc::Channel& channel);
  void give_up();

  const queue::Spool& spool_;
  const Settings settings_;
  std::vector<std::string> names_;
  io::Clock::time_point second_;  // this one's beginning
  int this_second_ = 0;
  int last_second_ = 0;
  io::Condition taken_;
  io::FiberHandle supplier_;
};

}  // namespace cleanup
