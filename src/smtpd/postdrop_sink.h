#pragma once
// The sink of a stand-alone server (sendmail -bs): postdrop, which puts mail into maildrop for any user.

#include <chrono>
#include <string>

#include "smtpd/mail_sink.h"

namespace smtpd {

class PostdropSink final : public MailSink {
 public:
  PostdropSink(std::string program, std::chrono::seconds timeout) : program_(std::move(program)), timeout_(timeout) {}
  std::unique_ptr<Message> begin(int flags) override;

 private:
  std::string program_;
  std::chrono::seconds timeout_;
};

}  // namespace smtpd
