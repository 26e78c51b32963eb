#pragma once
// qmgr's side of a delivery.

#include <expected>
#include <string>

#include "delivery/request.h"
#include "ipc/channel.h"

namespace delivery {

// Why there is no report. The transport rests for a while (unreachable), or only this delivery is tried again
// (died: "unknown mail transport error").
struct NoReport {
  enum class Kind { unreachable, died } kind;
  std::string text;
};

// Over private/<transport>; connections are kept in the pool. Waits as long as the delivery takes, `deadline` at most.
std::expected<Report, NoReport> ask_agent(ipc::Pool& pool, const std::string& path, const Request& request,
                                          io::Deadline connect_deadline, io::Deadline deadline);

}  // namespace delivery
