#include "service/stand_alone.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <thread>

#include "base/error.h"
#include "base/file.h"
#include "io/socket.h"

namespace service {

namespace {

bool are_one_socket(int a, int b) {
  struct stat first{};
  struct stat second{};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && S_ISSOCK(first.st_mode) &&
         first.st_ino == second.st_ino && first.st_dev == second.st_dev;
}

// Blocking, on a thread of its own: the descriptors of a terminal or a pipe belong to others, too, and must not be made
// non-blocking.
void copy(int from, int to) {
  char chunk[16 * 1024];
  while (true) {
    const ssize_t size = ::read(from, chunk, sizeof chunk);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) return;
    if (!base::write_fully(to, {chunk, static_cast<std::size_t>(size)}, "standard output")) return;
  }
}

}  // namespace

void run_stand_alone(Server& server, const Program& program, const Place& place) {
  if (are_one_socket(STDIN_FILENO, STDOUT_FILENO)) {
    Process(server, program.clients, true, place).run_stand_alone(base::Fd(::fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3)));
    return;
  }
  int fds[2];
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) != 0) {
    throw base::Fatal(base::with_errno("socketpair", errno));
  }
  base::Fd ours(fds[0]);
  const int theirs = fds[1];  // stays open: a thread may use it until the process ends
  ::fcntl(ours.get(), F_SETFL, O_NONBLOCK);
  // The reader of standard input may wait for ever; it ends with the process.
  std::thread([fd = theirs] {
    copy(STDIN_FILENO, fd);
    ::shutdown(fd, SHUT_WR);
  }).detach();
  std::thread output([fd = theirs] { copy(fd, STDOUT_FILENO); });
  try {
    Process(server, program.clients, true, place).run_stand_alone(std::move(ours));
  } catch (...) {
    output.detach();
    throw;
  }
  output.join();
}

}  // namespace service
