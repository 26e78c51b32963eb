#pragma once
// The sink of an ordinary system: cleanup, over connections that are kept.

#include <chrono>
#include <string>

#include "ipc/channel.h"
#include "smtpd/mail_sink.h"

namespace smtpd {

class CleanupSink final : public MailSink {
 public:
  CleanupSink(ipc::Pool& pool, std::string socket_path, std::chrono::seconds timeout)
      : pool_(pool), path_(std::move(socket_path)), timeout_(timeout) {}
  std::unique_ptr<Message> begin(int flags) override;

 private:
  ipc::Pool& pool_;
  std::string path_;
  std::chrono::seconds timeout_;
};

}  // namespace smtpd
