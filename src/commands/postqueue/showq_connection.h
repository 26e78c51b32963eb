#pragma once
// Where a queue listing comes from: the showq service, or while the mail system is down a showq of our own.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"
#include "config/config.h"

namespace postqueue {

class ShowqConnection {
 public:
  // In the queue directory. Throws base::Fatal when the service cannot be reached and the caller may not read the
  // queue.
  ShowqConnection(const config::Config& config, std::string_view service);
  ~ShowqConnection();  // waits for our own showq
  ShowqConnection(const ShowqConnection&) = delete;
  ShowqConnection& operator=(const ShowqConnection&) = delete;

  std::string_view read();  // empty at the end; valid until the next call

 private:
  void start_showq(const config::Config& config);

  base::Fd fd_;
  pid_t child_ = -1;
  std::string buffer_;
};

}  // namespace postqueue
