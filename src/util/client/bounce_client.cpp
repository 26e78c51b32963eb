#include "client/bounce_client.h"

namespace client {

template <typename Request>
std::expected<void, base::Error> BounceClient::ask(const std::string& path, const Request& request,
                                                   io::Deadline deadline) {
  const auto exchange = [&](ipc::Pool::Lease& lease) {
    lease.channel->send(request);
    lease.channel->flush();
    return lease.channel->template receive<NoticeResult>();
  };
  try {
    auto lease = pool_.acquire(path, deadline);
    NoticeResult result;
    try {
      result = exchange(lease);
    } catch (const io::StreamError& error) {
      // A server that timed out may be composing the notice: asking again at once could make two of it.
      if (!lease.reused || error.kind() == io::StreamError::Kind::timed_out) throw;
      lease = pool_.acquire(path, deadline, ipc::Pool::Freshness::fresh);
      result = exchange(lease);
    }
    pool_.give_back(path, std::move(lease.channel));
    if (result.done) return {};
    return std::unexpected(base::Error{result.reason.empty() ? "no notice could be made" : result.reason});
  } catch (const io::StreamError& error) {
    return std::unexpected(base::Error{ipc::naming(path, error)});
  }
}

std::expected<void, base::Error> BounceClient::send(const NoticeRequest& request, io::Deadline deadline) {
  switch (request.notice) {
    case Notice::failure:
    case Notice::verp:
      return ask(paths_.bounce, request, deadline);
    case Notice::delay:
      return ask(paths_.defer, request, deadline);
    case Notice::trace:
      return ask(paths_.trace, request, deadline);
  }
  return std::unexpected(base::Error{"unknown kind of notice"});
}

std::expected<void, base::Error> BounceClient::send(const SingleBounce& request, io::Deadline deadline) {
  return ask(paths_.bounce, request, deadline);
}

}  // namespace client
