#pragma once
// epoll, edge-triggered. A descriptor is registered at its first wait and stays so: what happens to it while nobody
// waits is remembered here.

#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "base/fd.h"

namespace io::detail {

struct Fiber;

enum class Direction { read, write };
// Whether the caller has just been told EAGAIN, or else the kernel must be asked for the state that it is in.
enum class Known { nothing, would_block };

class Poller {
 public:
  Poller();  // throws std::system_error

  // Makes the fiber the one to wake. False: no need to wait, something has happened meanwhile or the descriptor never
  // waits.
  bool begin_wait(int fd, Direction direction, Known known, Fiber& fiber);
  // After the wait: whether it was an event that ended it.
  bool end_wait(int fd, Direction direction, const Fiber& fiber);
  // An event that a cancelled fiber could not use is left for the next one.
  void remember(int fd, Direction direction);

  enum class Closing { yes, no };
  void forget(int fd, Closing closing);

  // Whether an event must come before the next read can bring anything, given that the last one emptied the socket:
  // true unless something has happened since or the peer has shown signs of its end (which comes without a further
  // event).
  bool event_will_come(int fd) const;

  // `happened` is called in collect() when the eventfd has been written to.
  void watch(int event_fd, std::function<void()> happened);

  // Waits for at most so many milliseconds (-1: for ever) and wakes the fibers concerned.
  void collect(int timeout_ms);

 private:
  struct Descriptor {
    Fiber* reader = nullptr;
    Fiber* writer = nullptr;
    std::uint32_t generation = 0;  // tells an event of a closed descriptor from one of its number's next owner
    std::uint32_t registered = 0;  // the events; 0 when not registered
    bool readable = false;         // an event came that no one waited for
    bool writable = false;
    bool ending = false;  // the peer has closed or broken it
  };

  Descriptor* find(int fd);
  bool control(int fd, Descriptor& descriptor, std::uint32_t events);
  void take(const epoll_event& event);

  static constexpr std::uint64_t kWatched = ~std::uint64_t{0};
  base::Fd epoll_;
  std::vector<Descriptor> descriptors_;
  std::function<void()> happened_;
  std::array<epoll_event, 256> events_;
};

}  // namespace io::detail
