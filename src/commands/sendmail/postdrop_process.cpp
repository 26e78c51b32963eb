#include "sendmail/postdrop_process.h"

#include <fcntl.h>
#include <poll.h>
#include <pwd.h>
#include <spawn.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>

#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "command/interrupt.h"

namespace sendmail {

namespace {

constexpr std::size_t kBufferSize = std::size_t{32} * 1024;
constexpr std::size_t kLongestWord = 8 * 1024;
constexpr int kPatience = 3600 * 1000;  // milliseconds: postdrop waits for nobody but the disk

struct Pipe {
  base::Fd read_end;
  base::Fd write_end;
};

Pipe make_pipe() {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) throw base::Fatal(base::with_errno("pipe", errno));
  return {base::Fd(ends[0]), base::Fd(ends[1])};
}

// Bits of the status, the first that is set speaks.
std::string_view text_of_status(unsigned status) {
  constexpr std::pair<unsigned, std::string_view> kTexts[] = {
      {256, "service unavailable"},    {128, "queue file write error"}, {1, "internal protocol error"},
      {64, "no recipients specified"}, {16, "too many hops"},           {4, "message file too big"},
      {8, "message content rejected"}, {2, "queue file write error"},   {512, "service denied"}};
  for (const auto& [bit, text] : kTexts) {
    if ((status & bit) != 0) return text;
  }
  return "unknown status";
}

}  // namespace

PostdropProcess::PostdropProcess(const std::string& program, std::string who) : who_(std::move(who)) {
  start(program);
  read_greeting();
}

PostdropProcess::~PostdropProcess() {
  if (child_ < 0) return;
  // Its input ends before the message does: it removes the file.
  to_.reset();
  from_.reset();
  wait_for_end();
}

void PostdropProcess::start(const std::string& program) {
  Pipe records = make_pipe();
  Pipe answers = make_pipe();
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawn_file_actions_adddup2(&actions, records.read_end.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, answers.write_end.get(), STDOUT_FILENO);
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);  // which this program ignores
  ::posix_spawnattr_setsigdefault(&attributes, &defaults);
  ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF);
  std::string name = program;
  std::string option = "-r";
  char* const arguments[] = {name.data(), option.data(), nullptr};
  const int error = ::posix_spawn(&child_, program.c_str(), &actions, &attributes, arguments, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  if (error != 0) {
    child_ = -1;
    throw base::Fatal(base::with_errno("execute " + program, error));
  }
  to_ = std::move(records.write_end);
  from_ = std::move(answers.read_end);
}

void PostdropProcess::fail(std::string_view why) {
  throw base::Fatal(fmt::format("{}: {}", who_, why));
}

int PostdropProcess::wait_for_end() {
  int status = 0;
  while (::waitpid(child_, &status, 0) < 0 && errno == EINTR) {
  }
  child_ = -1;
  return status;
}

// One text up to a NUL byte.
std::string PostdropProcess::read_word() {
  while (true) {
    const auto end = unread_.find('\0');
    if (end != std::string::npos) {
      std::string word = unread_.substr(0, end);
      unread_.erase(0, end + 1);
      return word;
    }
    if (unread_.size() > kLongestWord) fail("malformed answer from postdrop");
    struct pollfd wanted{from_.get(), POLLIN, 0};
    const int ready = ::poll(&wanted, 1, kPatience);
    if (ready < 0 && errno == EINTR) {
      if (command::interrupted() != 0) throw base::Fatal("interrupted");
      continue;
    }
    char bytes[1024];
    const ssize_t got = ready > 0 ? ::read(from_.get(), bytes, sizeof bytes) : -1;
    // Whatever is wrong, postdrop has said it.
    if (got <= 0) fail("queue file write error");
    unread_.append(bytes, static_cast<std::size_t>(got));
  }
}

void PostdropProcess::read_greeting() {
  struct pollfd wanted{from_.get(), POLLIN, 0};
  if (::poll(&wanted, 1, kPatience) == 1 && (wanted.revents & (POLLIN | POLLHUP)) == POLLHUP) {
    const int status = wait_for_end();
    if (WIFEXITED(status) && WEXITSTATUS(status) == EX_NOPERM) {
      const struct passwd* const caller = ::getpwuid(::getuid());
      throw base::Fatal(fmt::format("User {}({}) is not allowed to submit mail",
                                    caller != nullptr ? caller->pw_name : "unknown", ::getuid()));
    }
    fail("queue file write error");
  }
  const bool is_postdrop = read_word() == "protocol" && read_word() == "postdrop_protocol";
  if (!is_postdrop) fail("malformed answer from postdrop");
  while (!read_word().empty()) read_word();  // queue_id
}

PostdropProcess::Verdict PostdropProcess::read_verdict() {
  Verdict verdict{1, {}};
  bool has_status = false;
  for (std::string name = read_word(); !name.empty(); name = read_word()) {
    std::string value = read_word();
    if (name == "status") {
      const auto number = base::to_unsigned(value);
      has_status = number && *number <= 0xffffffff;
      if (has_status) verdict.status = static_cast<unsigned>(*number);
    } else if (name == "reason") {
      verdict.reason = std::move(value);
    }
  }
  if (!has_status) fail("malformed answer from postdrop");
  return verdict;
}

void PostdropProcess::flush() {
  std::string_view rest = unsent_;
  while (!rest.empty()) {
    const ssize_t done = ::write(to_.get(), rest.data(), rest.size());
    if (done < 0 && errno == EINTR && command::interrupted() == 0) continue;
    if (done < 0 && errno == EINTR) throw base::Fatal("interrupted");
    if (done < 0) {  // it has given up; the reason may be waiting
      unsent_.clear();
      const Verdict verdict = read_verdict();
      fail(verdict.reason.empty() ? text_of_status(verdict.status) : std::string_view(verdict.reason));
    }
    rest.remove_prefix(static_cast<std::size_t>(done));
  }
  unsent_.clear();
}

void PostdropProcess::put(queue::RecordType type, std::string_view data) {
  queue::append_record(unsent_, type, data);
  if (unsent_.size() >= kBufferSize) flush();
}

void PostdropProcess::commit() {
  flush();
  const Verdict verdict = read_verdict();
  to_.reset();
  const int status = wait_for_end();
  if (verdict.status != 0)
    fail(verdict.reason.empty() ? text_of_status(verdict.status) : std::string_view(verdict.reason));
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) fail("queue file write error");
}

}  // namespace sendmail
