#pragma once
// postdrop -r as a child: its greeting, the records, its verdict.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/fd.h"
#include "sendmail/submission.h"

namespace sendmail {

class PostdropProcess final : public Submission {
 public:
  PostdropProcess(const std::string& program, std::string who);
  ~PostdropProcess() override;

  void put(queue::RecordType type, std::string_view data) override;
  void commit() override;

 private:
  struct Verdict {
    unsigned status;
    std::string reason;
  };
  void start(const std::string& program);
  void flush();
  std::string read_word();
  void read_greeting();
  Verdict read_verdict();
  int wait_for_end();
  [[noreturn]] void fail(std::string_view why);

  std::string who_;
  pid_t child_ = -1;
  base::Fd to_;
  base::Fd from_;
  std::string unsent_;
  std::string unread_;
};

}  // namespace sendmail
