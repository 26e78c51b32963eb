#include "client/flush_client.h"

namespace client {

std::expected<FlushStatus, base::Error> ask_flush(const std::string& path, const FlushRequest& request,
                                                  io::Deadline deadline) {
  try {
    ipc::Channel channel = ipc::connect(path, deadline);
    channel.send(request);
    channel.flush();
    return channel.receive<FlushResult>().status;
  } catch (const io::StreamError& error) {
    return std::unexpected(base::Error{ipc::naming(path, error)});
  }
}

}  // namespace client
