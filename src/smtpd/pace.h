#pragma once
// How long a message's content may take: smtpd_timeout for each piece, or for all of it, when it comes too slowly
// (smtpd_per_request_deadline, smtpd_min_data_rate).

#include "io/wait.h"
#include "smtpd/session.h"

namespace smtpd {

class Pace {
 public:
  explicit Pace(Session& session);  // the content begins now
  void received(std::size_t bytes);

 private:
  Session& session_;
  bool whole_;  // the deadline is one of all the content
  io::Clock::duration most_;
  io::Clock::time_point deadline_;
};

}  // namespace smtpd
