#pragma once
// Files of messages that have been delivered, on their way to being written over (queue/spare.h).

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "io/fiber.h"
#include "queue/spool.h"

namespace qmgr {

class Spares {
 public:
  explicit Spares(const queue::Spool& spool) : spool_(spool) {}

  // At the start: what an earlier queue manager left in spare/.
  void remove_all_waste();
  // Runs until its fiber is cancelled: makes names that led to kept files go for good, and then the files ready.
  void make_ready_for_ever();
  // As many as there are, up to `wanted`; waits until there is one, for a moment.
  std::vector<std::string> take(std::uint32_t wanted);
  // These were taken by a process that is no more.
  void remove_waste(const std::deque<std::string>& names);

  // Takes the file out of active, if somebody wants it. Only for a message that nothing but incoming and active has
  // ever had. False: remove it.
  bool keep(const queue::Id& id, std::int64_t size);

 private:
  void discard(const std::vector<std::string>& names);

  const queue::Spool& spool_;
  std::uint64_t wanted_ = 0;
  std::vector<std::string> kept_;   // older names of these may come back in a power cut
  std::vector<std::string> ready_;  // of these not
  io::Condition more_kept_;
  io::Condition more_ready_;
};

}  // namespace qmgr
