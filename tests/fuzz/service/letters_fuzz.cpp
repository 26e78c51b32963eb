// A process that takes triggers, and peers that send anything: each letter reaches the server at most once a call, and
// never a NUL byte. The process ends as if master had gone.

#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

#include "io/socket.h"
#include "io/stream.h"
#include "service/process.h"

namespace {

class Checker : public service::Server {
 public:
  void triggered(std::string_view letters) override {
    for (std::size_t i = 0; i < letters.size(); ++i) {
      if (letters[i] == '\0' || letters.find(letters[i], i + 1) != std::string_view::npos) std::abort();
    }
    if (letters.empty()) std::abort();
  }
  void serve(service::Client client) override {
    ipc::Channel channel(std::move(client.fd));
    channel.set_deadline(io::Deadline::after(std::chrono::seconds(5)));
    while (channel.receive_frame_or_end()) {
    }
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 10'000) return 0;
  const std::string path = "/tmp/letters_fuzz." + std::to_string(::getpid());
  auto listener = io::listen({io::Endpoint::Type::unix_stream, "", "", path});
  if (!listener) std::abort();
  auto link = io::socket_pair();
  // Two peers, each with its half.
  for (const std::string_view half :
       {std::string_view(reinterpret_cast<const char*>(data), size / 2),
        std::string_view(reinterpret_cast<const char*>(data) + size / 2, size - size / 2)}) {
    auto peer =
        io::connect({io::Endpoint::Type::unix_stream, "", "", path}, io::Deadline::after(std::chrono::seconds(5)));
    if (!peer) std::abort();
    if (!half.empty() && ::write(peer->get(), half.data(), half.size()) != std::ssize(half)) std::abort();
  }
  service::Place place;
  place.listeners = {listener->release()};
  place.status_fd = link.second.get();
  place.max_use = 2;
  place.ipc_timeout = std::chrono::seconds(5);
  place.finish_time = std::chrono::seconds(5);
  Checker server;
  service::Process(server, service::Clients::triggers, false, place).run();
  ::unlink(path.c_str());
  return 0;
}
