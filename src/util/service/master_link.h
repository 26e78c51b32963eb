#pragma once
// The contract between master and its children: descriptors, environment, the status message. Postfix's own.

#include <cstdint>

namespace service {

constexpr int kFlowRead = 3;
constexpr int kFlowWrite = 4;
constexpr int kStatus = 5;  // a stream socket or pipe to master; its end of file means that master is gone
constexpr int kFirstListen = 6;

constexpr std::int32_t kTaken = 0;      // no further client fits
constexpr std::int32_t kAvailable = 1;  // at least one does
struct StatusMessage {
  std::int32_t pid;
  std::uint32_t generation;  // $GENERATION, in octal: which start of the process table entry this is
  std::int32_t state;
};
static_assert(sizeof(StatusMessage) == 12);

}  // namespace service
