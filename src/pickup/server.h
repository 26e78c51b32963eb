#pragma once
// The pickup service: empties maildrop into cleanup, several messages at a time.

#include <set>
#include <string>

#include "client/cleanup_client.h"
#include "io/fiber.h"
#include "ipc/channel.h"
#include "pickup/submission.h"
#include "queue/spool.h"
#include "service/service.h"

namespace pickup {

class Server : public service::Server {
 public:
  explicit Server(const service::Context& context);

  void serve(service::Client) override {}  // nobody talks to pickup but by triggers
  void triggered(std::string_view requests) override;

 private:
  // So many that waiting for the disk overlaps; the files in one directory want no more.
  static constexpr std::size_t kAtOnce = 8;

  enum class Fate { removed, kept };
  struct Pass {
    std::size_t removed = 0;
    bool cleanup_is_there = true;
  };
  Pass one_pass();
  Fate pick_up(const std::string& path, const queue::Id& name);
  Fate hand_over(const MaildropFile& file, client::CleanupClient& cleanup);
  Fate give_up(const MaildropFile& file);  // it cannot be understood
  Fate remove(const MaildropFile& file);
  int flags_for(const MaildropFile& file) const;

  SubmissionSettings settings_;
  std::string cleanup_path_;
  std::chrono::seconds ipc_timeout_;
  int flags_;
  queue::Spool spool_;
  ipc::Pool pool_;
  std::set<std::string> kept_;  // in this run: not to be tried again before the next
};

// client::cleanup_flag for new mail, of receive_override_options and smtputf8_autodetect_classes. Throws base::Fatal
// for an unknown word.
int cleanup_flags(std::string_view receive_override_options, std::string_view smtputf8_autodetect_classes);

}  // namespace pickup
