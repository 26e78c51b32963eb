#include "delivery/request.h"

#include <ctime>

namespace delivery {

std::int64_t microseconds_now() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME, &now);
  return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

}  // namespace delivery
