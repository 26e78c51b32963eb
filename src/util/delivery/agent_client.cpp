#include "delivery/agent_client.h"

namespace delivery {

namespace {

// How an exchange over one connection ended.
struct Exchange {
  std::optional<Report> report;
  bool unheard = false;  // without a report, and the agent cannot have worked on the request
  std::string text;
};

Exchange exchange(ipc::Channel& channel, const Request& request, io::Deadline deadline) {
  Exchange result;
  try {
    channel.set_deadline(deadline);
    channel.send(request);
    channel.flush();
  } catch (const io::StreamError& error) {
    // An agent works on whole frames only.
    result.unheard = true;
    result.text = error.what();
    return result;
  }
  try {
    (void)channel.stream().at_end();  // waits for the answer's first byte
  } catch (const io::StreamError& error) {
    // A UNIX socket is reset when its other end is closed with something unread: of the one frame that was sent, the
    // agent had not taken all. Had it read the request, this would be an ordinary end.
    result.unheard = error.kind() == io::StreamError::Kind::broken;
    result.text = error.what();
    return result;
  }
  try {
    result.report = channel.receive<Report>();
  } catch (const io::StreamError& error) {
    result.text = error.what();
  }
  return result;
}

}  // namespace

std::expected<Report, NoReport> ask_agent(ipc::Pool& pool, const std::string& path, const Request& request,
                                          io::Deadline connect_deadline, io::Deadline deadline) {
  using Freshness = ipc::Pool::Freshness;
  for (const Freshness freshness : {Freshness::any, Freshness::fresh}) {
    std::optional<ipc::Pool::Lease> lease;
    try {
      lease.emplace(pool.acquire(path, connect_deadline, freshness));
    } catch (const io::StreamError& error) {
      return std::unexpected(NoReport{NoReport::Kind::unreachable, error.what()});
    }
    Exchange result = exchange(*lease->channel, request, deadline);
    if (result.report) {
      pool.give_back(path, std::move(lease->channel));
      return std::move(*result.report);
    }
    // Only a kept connection fails because nobody is at its other end any more; and only a request that was certainly
    // not worked on may be made a second time.
    if (lease->reused && result.unheard && freshness == Freshness::any) continue;
    return std::unexpected(NoReport{NoReport::Kind::died, path + ": " + result.text});
  }
  return std::unexpected(NoReport{NoReport::Kind::died, path});  // not reached: a fresh connection is not reused
}

}  // namespace delivery
