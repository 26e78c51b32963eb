/* Preloaded into the programs under test: the time of day is off by as many seconds as the file CLOCK says (a native 64-bit number, mapped,
 * so that the clock jumps in running programs as soon as it is written). Time that only counts (CLOCK_MONOTONIC) goes on as always. Files
 * get their times from the kernel, which knows nothing of this; so what creates a file, or says that it is complete (fchmod, fsync), sets
 * them. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile const int64_t* offset;

__attribute__((constructor)) static void begin(void) {
  const char* const path = getenv("CLOCK");
  const int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* const at = mmap(NULL, sizeof *offset, PROT_READ, MAP_SHARED, fd, 0);
  if (at != MAP_FAILED) offset = at;
  close(fd);
}

static int64_t off(void) { return offset ? *offset : 0; }

#define REAL(name) \
  static __typeof__(&name) real; \
  if (!real) real = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

int clock_gettime(clockid_t which, struct timespec* into) {
  REAL(clock_gettime);
  const int result = real(which, into);
  if (result == 0 && (which == CLOCK_REALTIME || which == CLOCK_REALTIME_COARSE)) into->tv_sec += off();
  return result;
}

int gettimeofday(struct timeval* restrict into, void* restrict zone) {
  REAL(gettimeofday);
  const int result = real(into, zone);
  if (result == 0) into->tv_sec += off();
  return result;
}

time_t time(time_t* into) {
  struct timespec now;
  clock_gettime(CLOCK_REALTIME, &now);
  if (into) *into = now.tv_sec;
  return now.tv_sec;
}

static void stamp(int fd) {
  const int problem = errno;
  struct stat status;
  struct timespec both[2];
  if (off() != 0 && fstat(fd, &status) == 0 && S_ISREG(status.st_mode)) {
    clock_gettime(CLOCK_REALTIME, &both[0]);
    both[1] = both[0];
    (void)futimens(fd, both);
  }
  errno = problem;
}

int fchmod(int fd, mode_t mode) {
  REAL(fchmod);
  const int result = real(fd, mode);
  if (result == 0) stamp(fd);
  return result;
}

int fsync(int fd) {
  REAL(fsync);
  stamp(fd);
  return real(fd);
}

int futimens(int fd, const struct timespec times[2]) {
  REAL(futimens);
  if (times) return real(fd, times);
  stamp(fd);
  return 0;
}

static int opened(int fd, int flags) {
  if (fd >= 0 && (flags & O_CREAT)) stamp(fd);
  return fd;
}

int open(const char* path, int flags, ...) {
  REAL(open);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(real(path, flags, mode), flags);
}

int open64(const char* path, int flags, ...) {
  REAL(open64);
  va_list rest;
  va_start(rest, flags);
  const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
  va_end(rest);
  return opened(real(path, flags, mode), flags);
}
