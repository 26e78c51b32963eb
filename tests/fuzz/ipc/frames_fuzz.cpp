// A conversation with a peer that says anything: frames are taken or refused, and nothing else happens.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "io/socket.h"
#include "ipc/channel.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 60'000) return 0;
  io::Pair pair = io::socket_pair();
  if (size > 0 && ::write(pair.first.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  pair.first.reset();
  ipc::Channel channel(std::move(pair.second));
  channel.set_deadline(io::Deadline::after(std::chrono::seconds(10)));
  std::size_t taken = 0;
  try {
    while (const auto frame = channel.receive_frame_or_end()) taken += 8 + frame->payload.size();
    if (taken != size) std::abort();
  } catch (const io::StreamError& error) {
    if (error.kind() == io::StreamError::Kind::timed_out) std::abort();
  }
  return 0;
}
