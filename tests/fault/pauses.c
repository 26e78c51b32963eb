/* Preloaded into the programs under test: they pause at random, as on a machine with too much to do. What then goes wrong is a race, in
 * them or in the test. About one process in five pauses often, one in five never; each has a course of its own. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static unsigned haste; /* 0: never pauses; 4: most often */
static __thread uint64_t state;

static unsigned chance(unsigned below) {
  if (state == 0) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    state = (uint64_t)now.tv_nsec * 2654435761U ^ (uint64_t)getpid() << 20 ^ (uintptr_t)&state ^ 1;
  }
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (unsigned)(state >> 16) % below;
}

static void sleep_up_to(unsigned milliseconds) {
  struct timespec time = {0, (long)(chance(milliseconds) + 1) * 1000000};
  nanosleep(&time, NULL);
}

static void pause_at(unsigned of_thousand) {
  const int problem = errno;
  if (chance(1000) < of_thousand * haste / 2) sleep_up_to(60);
  errno = problem;
}

__attribute__((constructor)) static void begin(void) {
  haste = chance(5);
  if (chance(4) == 0) sleep_up_to(300);
}

static void* real(const char* name) { return dlsym(RTLD_NEXT, name); }
/* A function of the C library with a pause before it. */
#define PAUSES(of_thousand, result, name, parameters, arguments)      \
  result name parameters {                                            \
    static __typeof__(&name) next;                                    \
    if (!next) next = (__typeof__(&name))real(#name);                 \
    pause_at(of_thousand);                                            \
    return next arguments;                                            \
  }

PAUSES(60, int, epoll_wait, (int fd, struct epoll_event* events, int most, int timeout), (fd, events, most, timeout))
PAUSES(60, int, poll, (struct pollfd * fds, nfds_t count, int timeout), (fds, count, timeout))
PAUSES(100, int, accept4, (int fd, struct sockaddr* address, socklen_t* size, int flags), (fd, address, size, flags))
PAUSES(100, int, connect, (int fd, const struct sockaddr* address, socklen_t size), (fd, address, size))
PAUSES(60, ssize_t, send, (int fd, const void* bytes, size_t size, int flags), (fd, bytes, size, flags))
PAUSES(60, ssize_t, sendmsg, (int fd, const struct msghdr* message, int flags), (fd, message, flags))
PAUSES(40, ssize_t, recv, (int fd, void* bytes, size_t size, int flags), (fd, bytes, size, flags))
PAUSES(40, ssize_t, write, (int fd, const void* bytes, size_t size), (fd, bytes, size))
PAUSES(40, ssize_t, writev, (int fd, const struct iovec* pieces, int count), (fd, pieces, count))
PAUSES(150, int, kill, (pid_t pid, int signal), (pid, signal))
PAUSES(60, int, rename, (const char* from, const char* to), (from, to))
PAUSES(60, int, unlink, (const char* path), (path))
