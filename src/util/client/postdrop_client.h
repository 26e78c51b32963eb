#pragma once
// postdrop -r as a child process: how mail gets into maildrop for whoever may not write there.

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "client/cleanup_client.h"
#include "io/stream.h"
#include "queue/record.h"

namespace client {

class PostdropError : public io::StreamError {
 public:
  // What `not_started` and `not_allowed` say is for the user as it is.
  enum class Why { not_started, not_allowed, malformed, interrupted, gone };
  PostdropError(Why why, const std::string& text) : StreamError(Kind::broken, text), why_(why) {}
  Why why() const { return why_; }

 private:
  Why why_;
};

class PostdropClient {
 public:
  struct Options {
    std::string program;                // with its folder
    std::chrono::seconds patience{0};   // for each answer, and while it takes nothing
    std::function<bool()> interrupted;  // asked while it is waited for, every second; may be empty
    int standard_error = -1;            // where it complains; -1: where we do
  };
  // Starts it and hears its greeting. Throws PostdropError, as all that follows. Takes SIGCHLD back to its default:
  // with children ignored nobody could tell how this one ends.
  // Gone without finish(): postdrop removes what it has.
  explicit PostdropClient(Options options);

  const std::string& queue_id() const { return id_; }

  // In large pieces. False: postdrop wants no more of it, finish() says why.
  bool put(queue::RecordType type, std::string_view data);
  // After E. Only status kOk means: the mail is in maildrop, and postdrop ended without complaint.
  CleanupResult finish();

 private:
  // Its end is waited for, here at the latest, as long as patience lasts.
  class Child {
   public:
    explicit Child(std::chrono::seconds patience) : patience_(patience) {}
    Child(const Child&) = delete;
    Child& operator=(const Child&) = delete;
    ~Child() { (void)end(); }
    void start(const Options& options, int input, int output);
    std::optional<int> end();  // as waitpid tells it; nothing when it goes on

   private:
    std::chrono::seconds patience_;
    pid_t pid_ = -1;
  };
  void start();
  void read_greeting();
  CleanupResult read_verdict();
  void send_gathered();
  // Both throw when patience is over.
  void await_answer();
  void await_room();
  void check_interrupt() const;

  Options options_;
  Child child_;  // outlives its pipes
  std::unique_ptr<io::Stream> to_, from_;
  std::string id_;
  std::string gathered_;
  bool given_up_ = false;  // by postdrop
};

// Why postdrop takes no mail from this caller, whatever it were, in its words; nothing when it would. Who may submit is
// its to say: it has the tables, and the rights to read them. Throws PostdropError when it cannot be asked.
std::optional<std::string> refusal_by_postdrop(PostdropClient::Options options);

}  // namespace client
