#include "client/qmgr_client.h"

#include "logging/log.h"

namespace client {

namespace {

constexpr auto kPatience = std::chrono::seconds(1);

}  // namespace

void QmgrClient::arrived(const queue::Id& id) {
  const Arrived message{{id.text()}};
  // A fiber that waits here must not share the channel with another one: whoever comes meanwhile has one of its own.
  std::unique_ptr<ipc::Channel> channel = std::move(channel_);
  for (const bool reused : {true, false}) {
    if (reused && !channel) continue;
    try {
      const io::Deadline deadline = io::Deadline::after(kPatience);
      if (!reused) {
        channel = std::make_unique<ipc::Channel>(ipc::connect(path_, deadline));
      } else if (channel->spoiled()) {
        continue;
      }
      channel->set_deadline(deadline);
      channel->send(message);
      channel->flush();
      channel_ = std::move(channel);
      return;
    } catch (const io::StreamError& error) {
      logging::debug("client.qmgr_unreachable", "{id}: queue manager: {reason}",
                     {{"id", id.text()}, {"reason", error.what()}});
    }
  }
}

}  // namespace client
