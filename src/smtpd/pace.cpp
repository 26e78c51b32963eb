#include "smtpd/pace.h"

#include <algorithm>

#include "smtpd/settings.h"

namespace smtpd {

Pace::Pace(Session& session)
    : session_(session),
      whole_(session.settings().per_request_deadline),
      most_(session.settings().timeout),
      deadline_(io::Clock::now() + most_) {
  session_.stream.set_deadline(io::Deadline::at(deadline_));
}

void Pace::received(std::size_t bytes) {
  const auto now = io::Clock::now();
  if (whole_) {
    const auto earned = std::chrono::duration<double>(static_cast<double>(bytes) / session_.settings().min_data_rate);
    deadline_ = std::min(deadline_ + std::chrono::duration_cast<io::Clock::duration>(earned), now + most_);
  } else {
    deadline_ = now + most_;
  }
  session_.stream.set_deadline(io::Deadline::at(deadline_));
}

}  // namespace smtpd
