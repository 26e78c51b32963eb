#include "client/flush_client.h"

#include <fmt/format.h>

#include "config/old_defaults.h"

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

void log_old_flush_domains(FlushRequest::Action action, std::string_view site) {
  config::log_old_default(fmt::format("relay_domains=$mydestination to {} for domain \"{}\"",
                                      action == FlushRequest::Action::add ? "update fast-flush logfile" : "flush mail",
                                      site));
}

}  // namespace client
