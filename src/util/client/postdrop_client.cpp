#include "client/postdrop_client.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <limits>
#include <utility>

#include "base/error.h"
#include "base/text.h"
#include "ipc/attributes.h"

namespace client {

namespace {

using Why = PostdropError::Why;

constexpr std::size_t kGathered = std::size_t{32} * 1024;
constexpr std::size_t kLongestAnswer = std::size_t{16} * 1024;
constexpr unsigned long kAllBits = 0xFFFFF;
// How soon an interrupt is heeded.
constexpr auto kNap = std::chrono::seconds(1);

struct Pipe {
  base::Fd read_end, write_end;
};
Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw PostdropError(Why::not_started, base::with_errno("pipe", errno));
  return {base::Fd(ends[0]), base::Fd(ends[1])};
}

[[noreturn]] void malformed() {
  throw PostdropError(Why::malformed, "malformed answer from postdrop");
}

// Whatever is wrong, postdrop has said it, where the user or the administrator looks.
[[noreturn]] void gone() {
  throw PostdropError(Why::gone, "queue file write error");
}

[[noreturn]] void not_allowed() {
  const struct passwd* const caller = ::getpwuid(::getuid());
  throw PostdropError(Why::not_allowed, fmt::format("User {}({}) is not allowed to submit mail",
                                                    caller != nullptr ? caller->pw_name : "unknown", ::getuid()));
}

ipc::Attributes read_list(io::Stream& from) {
  try {
    return ipc::read_attributes(from, kLongestAnswer);
  } catch (const io::StreamError& error) {
    if (error.kind() == io::StreamError::Kind::closed || error.kind() == io::StreamError::Kind::timed_out) gone();
    malformed();
  }
}

bool ended_with(int code, std::optional<int> status) {
  return status && WIFEXITED(*status) && WEXITSTATUS(*status) == code;
}

}  // namespace

PostdropClient::PostdropClient(Options options) : options_(std::move(options)), child_(options_.patience) {
  start();
  read_greeting();
}

void PostdropClient::Child::start(const Options& options, int input, int output) {
  ::signal(SIGCHLD, SIG_DFL);
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, input, STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
  if (options.standard_error >= 0) {
    ::posix_spawn_file_actions_adddup2(&actions, options.standard_error, STDERR_FILENO);
  }
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);  // which our programs ignore
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string name = options.program;
  std::string option = "-r";
  char* const arguments[] = {name.data(), option.data(), nullptr};
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, options.program.c_str(), &actions, &attributes, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) throw PostdropError(Why::not_started, base::with_errno("execute " + options.program, error));
  pid_ = pid;
}

std::optional<int> PostdropClient::Child::end() {
  if (pid_ < 0) return std::nullopt;
  const pid_t pid = std::exchange(pid_, -1);
  // One that hangs in a write to a dead disk is left to init. Not by the loop: a destructor may be what waits here.
  const base::Fd handle(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  const auto limit = io::Clock::now() + patience_;
  struct pollfd ended{handle.get(), POLLIN, 0};
  while (handle && ended.revents == 0) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(limit - io::Clock::now());
    if (left.count() <= 0) return std::nullopt;
    (void)::poll(&ended, 1, static_cast<int>(std::min<std::int64_t>(left.count(), std::numeric_limits<int>::max())));
  }
  int status = 0;
  pid_t found = -1;
  do {
    found = ::waitpid(pid, &status, 0);
  } while (found < 0 && errno == EINTR);
  return found == pid ? std::optional(status) : std::nullopt;
}

void PostdropClient::start() {
  Pipe records = make_pipe();
  Pipe answers = make_pipe();
  child_.start(options_, records.read_end.get(), answers.write_end.get());
  ::fcntl(records.write_end.get(), F_SETFL, O_NONBLOCK);
  to_ = std::make_unique<io::Stream>(std::move(records.write_end));
  from_ = std::make_unique<io::Stream>(std::move(answers.read_end));
}

void PostdropClient::read_greeting() {
  await_answer();
  if (from_->at_end()) {
    to_.reset();
    if (ended_with(EX_NOPERM, child_.end())) not_allowed();
    gone();
  }
  const auto greeting = read_list(*from_);
  if (ipc::value_of(greeting, "protocol") != "postdrop_protocol") malformed();
  id_ = ipc::value_of(greeting, "queue_id");
}

bool PostdropClient::put(queue::RecordType type, std::string_view data) {
  if (given_up_) return false;
  queue::append_record(gathered_, type, data);
  if (gathered_.size() >= kGathered) send_gathered();
  return !given_up_;
}

CleanupResult PostdropClient::finish() {
  put(queue::RecordType::end, {});
  send_gathered();
  CleanupResult result = read_verdict();
  to_.reset();
  await_answer();  // it has nothing more to say: this is its end
  if (!ended_with(EX_OK, child_.end()) && result.status == cleanup_status::kOk) return {cleanup_status::kWrite, {}};
  return result;
}

CleanupResult PostdropClient::read_verdict() {
  await_answer();
  const auto verdict = read_list(*from_);
  const auto status = base::to_unsigned(ipc::value_of(verdict, "status"));
  if (!status || *status > kAllBits) malformed();
  return {static_cast<int>(*status), std::string(ipc::value_of(verdict, "reason"))};
}

void PostdropClient::send_gathered() {
  std::string_view rest = gathered_;
  while (!rest.empty() && !given_up_) {
    const ssize_t done = ::write(to_->fd(), rest.data(), rest.size());
    if (done >= 0) {
      rest.remove_prefix(static_cast<std::size_t>(done));
    } else if (errno == EAGAIN) {
      await_room();
    } else if (errno != EINTR) {
      given_up_ = true;
    }
  }
  gathered_.clear();
}

// Naps until there is input, or the end of it.
void PostdropClient::await_answer() {
  const auto end = io::Deadline::after(options_.patience);
  for (bool over = false; !over && from_->buffered().empty();) {
    check_interrupt();
    from_->set_deadline(end.or_earlier(io::Deadline::after(kNap)));
    try {
      over = from_->at_end();
    } catch (const io::StreamError& error) {
      if (error.kind() != io::StreamError::Kind::timed_out || end.passed()) gone();
    }
  }
  from_->set_deadline(end);
}

void PostdropClient::await_room() {
  const auto end = io::Deadline::after(options_.patience);
  do {
    check_interrupt();
    if (io::wait_writable(to_->fd(), end.or_earlier(io::Deadline::after(kNap))) == io::Wakeup::ready) return;
  } while (!end.passed());
  gone();
}

void PostdropClient::check_interrupt() const {
  if (options_.interrupted && options_.interrupted()) throw PostdropError(Why::interrupted, "interrupted");
}

std::optional<std::string> refusal_by_postdrop(PostdropClient::Options options) {
  Pipe complaints = make_pipe();
  options.standard_error = complaints.write_end.get();
  std::string reason;
  try {
    const PostdropClient postdrop(std::move(options));
    return std::nullopt;
  } catch (const PostdropError& error) {
    if (error.why() != Why::not_allowed && error.why() != Why::gone) throw;
    reason = error.what();
  }
  // Its own words are better. It has ended, and what it wrote fits into the pipe.
  char text[4096];
  ::fcntl(complaints.read_end.get(), F_SETFL, O_NONBLOCK);
  const ssize_t size = ::read(complaints.read_end.get(), text, sizeof text);
  const std::string_view said(text, size > 0 ? static_cast<std::size_t>(size) : 0);
  constexpr std::string_view kMark = "fatal: ";
  if (const auto at = said.find(kMark); at != std::string_view::npos) {
    const auto words = said.substr(at + kMark.size());
    reason = words.substr(0, words.find('\n'));
  }
  return reason;
}

}  // namespace client
