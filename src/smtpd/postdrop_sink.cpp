#include "smtpd/postdrop_sink.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <map>

#include "base/error.h"
#include "base/text.h"
#include "io/stream.h"

namespace smtpd {

namespace status = client::cleanup_status;

namespace {

constexpr std::size_t kBufferSize = 32 * 1024;
constexpr std::size_t kLongestAnswer = 8 * 1024;
constexpr std::size_t kMostAttributes = 16;

[[noreturn]] void broken(const std::string& what) {
  throw io::StreamError(io::StreamError::Kind::broken, what);
}

struct Pipe {
  base::Fd read_end, write_end;
};
Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) broken(base::with_errno("pipe", errno));
  return {base::Fd(ends[0]), base::Fd(ends[1])};
}

// postdrop itself; ended without its whole message it removes what it has.
class Child {
 public:
  Child(const std::string& program, const base::Fd& input, const base::Fd& output) {
    // Whoever started us may have children ignored (a Perl script, say): then nobody could tell how this one ends.
    ::signal(SIGCHLD, SIG_DFL);
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
    ::posix_spawn_file_actions_adddup2(&actions, input.get(), STDIN_FILENO);
    ::posix_spawn_file_actions_adddup2(&actions, output.get(), STDOUT_FILENO);
    sigset_t defaults;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);  // which this program ignores
    ::posix_spawnattr_setsigdefault(&attributes, &defaults);
    ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
    std::string name = program;
    std::string option = "-r";
    char* const arguments[] = {name.data(), option.data(), nullptr};
    const int error = ::posix_spawn(&pid_, program.c_str(), &actions, &attributes, arguments, environ);
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
    if (error == 0) return;
    pid_ = -1;
    broken(base::with_errno("execute " + program, error));
  }
  ~Child() { wait(); }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  bool ended_well() {
    const int result = wait();
    return WIFEXITED(result) && WEXITSTATUS(result) == 0;
  }

 private:
  int wait() {
    int result = -1;
    if (pid_ < 0) return result;
    while (::waitpid(pid_, &result, 0) < 0 && errno == EINTR) {
    }
    pid_ = -1;
    return result;
  }
  pid_t pid_ = -1;
};

class PostdropMessage final : public Message {
 public:
  PostdropMessage(const std::string& program, std::chrono::seconds timeout) : timeout_(timeout) {
    Pipe records = make_pipe();
    Pipe answers = make_pipe();
    child_ = std::make_unique<Child>(program, records.read_end, answers.write_end);
    to_ = std::make_unique<io::Stream>(std::move(records.write_end), kBufferSize);
    from_ = std::make_unique<io::Stream>(std::move(answers.read_end));
    answers.write_end.reset();
    auto greeting = read_attributes();
    if (greeting["protocol"] != "postdrop_protocol") broken("malformed answer from postdrop");
    id_ = greeting["queue_id"];
  }

  const std::string& queue_id() const override { return id_; }

  void append(queue::RecordType type, std::string_view data) override {
    record_.clear();
    queue::append_record(record_, type, data);
    to_->set_deadline(io::Deadline::after(timeout_));
    to_->write(record_);
  }

  client::CleanupResult finish() override {
    append(queue::RecordType::end, {});
    to_->flush();
    auto verdict = read_attributes();
    to_.reset();
    const auto bits = base::to_unsigned(verdict["status"]);
    if (!bits || *bits > 0xFFFFF) broken("malformed answer from postdrop");
    if (*bits == 0 && !child_->ended_well()) return {status::kWrite, {}};
    return {static_cast<int>(*bits), verdict["reason"]};
  }

 private:
  // A list in the null encoding: name NUL value NUL ... NUL.
  std::map<std::string, std::string> read_attributes() {
    from_->set_deadline(io::Deadline::after(timeout_));
    std::size_t total = 0;
    const auto word = [&] {
      std::string text;
      for (char c = from_->read_exactly(1)[0]; c != '\0'; c = from_->read_exactly(1)[0]) {
        text += c;
        if (++total > kLongestAnswer) broken("malformed answer from postdrop");
      }
      return text;
    };
    std::map<std::string, std::string> result;
    for (std::string name = word(); !name.empty(); name = word()) {
      if (result.size() == kMostAttributes) broken("malformed answer from postdrop");
      result[name] = word();
    }
    return result;
  }

  std::chrono::seconds timeout_;
  std::unique_ptr<Child> child_;  // outlives its pipes
  std::unique_ptr<io::Stream> to_, from_;
  std::string id_;
  std::string record_;
};

}  // namespace

std::unique_ptr<Message> PostdropSink::begin(int) {
  return std::make_unique<PostdropMessage>(program_, timeout_);
}

}  // namespace smtpd
