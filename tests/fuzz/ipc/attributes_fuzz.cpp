// An attribute list is read as it was written, whatever it holds; its memory is bounded.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "io/socket.h"
#include "ipc/attributes.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kMost = 4096;
  if (size > 60'000) return 0;
  io::Pair pair = io::socket_pair();
  if (size > 0 && ::write(pair.first.get(), data, size) != static_cast<ssize_t>(size)) return 0;
  pair.first.reset();
  io::Stream stream(std::move(pair.second), 64);
  stream.set_deadline(io::Deadline::after(std::chrono::seconds(10)));
  try {
    const ipc::Attributes list = ipc::read_attributes(stream, kMost);
    const std::string bytes = ipc::encode_attributes(list);
    if (bytes.size() > kMost + 1) std::abort();
    if (bytes != std::string_view(reinterpret_cast<const char*>(data), size).substr(0, bytes.size())) std::abort();
  } catch (const io::StreamError& error) {
    if (error.kind() == io::StreamError::Kind::timed_out) std::abort();
  }
  return 0;
}
