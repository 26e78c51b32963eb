/* Preloaded into the programs under test: counts the calls that change a file system, and at the chosen one ends the process, before
 * or after the call, or lets the call fail.
 *
 * FAULT_CONTROL names a file of struct control that all processes map shared, so the count is one over all processes of a program,
 * and the test changes the plan while they run. Nothing is armed until the test says so. tests/fault/shim.py has the same layout. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

enum kind { CREATE, WRITE, RENAME, LINK, UNLINK, CHMOD, FSYNC, TRUNCATE, UTIME, MKDIR, RMDIR, CHOWN, CLOSE, OPEN, SEND, MEMORY, MAP, THREAD, OBJECT, KINDS };
enum action { COUNT, KILL_BEFORE, KILL_AFTER, FAIL };

struct entry {
  uint32_t pid, kind;
  uint64_t number; /* the plan's count at this call; 0 when the plan did not match */
  char program[32];
  char path[208];
};
struct control {
  uint32_t magic;
  _Atomic uint32_t armed;
  uint32_t action, error;
  uint32_t always;     /* from the N-th call on, not only that one */
  uint32_t kinds;      /* bit set of enum kind */
  uint64_t nth;
  char program[64];    /* empty: every program */
  char path[192];      /* only calls on paths that contain this */
  char ignored[192];   /* the log file's path: its calls are no calls */
  uint64_t ignored_device, ignored_inode;
  _Atomic uint64_t count;
  _Atomic uint32_t fired, fired_pid;
  uint32_t logging, log_capacity;
  _Atomic uint64_t log_next;
  struct entry log[];
};
_Static_assert(sizeof(struct entry) == 256, "shim.py knows this size");
_Static_assert(offsetof(struct control, log) == 528, "shim.py knows this offset");

static struct control* control;

static void* real(const char* name) { return dlsym(RTLD_NEXT, name); }
/* The real function, found at its first call. */
#define REAL(result, name, ...)                       \
  static result (*_Atomic real_##name)(__VA_ARGS__);  \
  if (!real_##name) real_##name = (result(*)(__VA_ARGS__))real(#name)

__attribute__((constructor)) static void begin(void) {
  const char* path = getenv("FAULT_CONTROL");
  if (!path) return;
  int fd = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDWR | O_CLOEXEC, 0);
  if (fd < 0) return;
  struct stat status;
  if (fstat(fd, &status) == 0 && (size_t)status.st_size >= sizeof(struct control)) {
    struct control* mapped = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (mapped != MAP_FAILED && mapped->magic == 0x746c7566) control = mapped;
  }
  syscall(SYS_close, fd);
}

static int regular(int fd, struct stat* status) {
  return fstat(fd, status) == 0 && (S_ISREG(status->st_mode) || S_ISDIR(status->st_mode));
}

static void path_of(int fd, char* path, size_t size) {
  char link[48];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, size - 1);
  path[length > 0 ? length : 0] = 0;
}

/* Says whether the call may go on: 0 no (errno is set), 1 yes, 2 yes and then the process ends. */
static int meet(enum kind kind, int fd, const char* given) {
  if (!control || !atomic_load(&control->armed)) return 1;
  if (!(control->kinds & 1u << kind)) return 1;
  const char* program = program_invocation_short_name;
  int chosen = !control->program[0] || strcmp(program, control->program) == 0;
  if (!chosen && !control->logging) return 1;
  int saved = errno;
  char path[208] = "";
  if (given) {
    if (strncmp(given, "/dev/", 5) == 0 || strcmp(given, control->ignored) == 0) return errno = saved, 1;
    strncpy(path, given, sizeof path - 1);
  } else {
    struct stat status;
    if (!regular(fd, &status)) return errno = saved, 1;
    if (status.st_dev == control->ignored_device && status.st_ino == control->ignored_inode) return errno = saved, 1;
    path_of(fd, path, sizeof path);
    if (strncmp(path, "/memfd:", 7) == 0) return errno = saved, 1;
  }
  chosen = chosen && (!control->path[0] || strstr(path, control->path));
  uint64_t number = chosen ? atomic_fetch_add(&control->count, 1) + 1 : 0;
  if (control->logging) {
    uint64_t slot = atomic_fetch_add(&control->log_next, 1);
    if (slot < control->log_capacity) {
      struct entry* entry = &control->log[slot];
      entry->pid = (uint32_t)getpid();
      entry->kind = kind;
      entry->number = number;
      strncpy(entry->program, program, sizeof entry->program - 1);
      memcpy(entry->path, path, sizeof entry->path);
    }
  }
  errno = saved;
  if (!chosen || control->action == COUNT || number < control->nth || (number > control->nth && !control->always)) return 1;
  atomic_store(&control->fired_pid, (uint32_t)getpid());
  atomic_fetch_add(&control->fired, 1);
  if (control->action == FAIL) {
    errno = (int)control->error;
    return 0;
  }
  if (control->action == KILL_AFTER) return 2;
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

static void done(int met) {
  if (met != 2) return;
  syscall(SYS_kill, getpid(), SIGKILL);
  for (;;) pause();
}

#define PASS(kind, fd, path, failed, call)      \
  do {                                          \
    int met = meet(kind, fd, path);             \
    if (!met) return failed;                    \
    __typeof__(call) result = call;             \
    if (met == 2) done(met);                    \
    return result;                              \
  } while (0)

/* --- opening */

static enum kind opening(int flags) { return flags & (O_CREAT | O_TRUNC) ? CREATE : OPEN; }
static int takes_mode(int flags) { return (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE; }
#define MODE(flags)                        \
  mode_t mode = 0;                         \
  if (takes_mode(flags)) {                 \
    va_list list;                          \
    va_start(list, flags);                 \
    mode = va_arg(list, mode_t);           \
    va_end(list);                          \
  }

int open(const char* path, int flags, ...) {
  REAL(int, open, const char*, int, ...);
  MODE(flags);
  PASS(opening(flags), -1, path, -1, real_open(path, flags, mode));
}
int open64(const char* path, int flags, ...) {
  REAL(int, open64, const char*, int, ...);
  MODE(flags);
  PASS(opening(flags), -1, path, -1, real_open64(path, flags, mode));
}
int openat(int at, const char* path, int flags, ...) {
  REAL(int, openat, int, const char*, int, ...);
  MODE(flags);
  PASS(opening(flags), -1, path, -1, real_openat(at, path, flags, mode));
}
int openat64(int at, const char* path, int flags, ...) {
  REAL(int, openat64, int, const char*, int, ...);
  MODE(flags);
  PASS(opening(flags), -1, path, -1, real_openat64(at, path, flags, mode));
}
int __open_2(const char* path, int flags) {
  REAL(int, open, const char*, int, ...);
  PASS(opening(flags), -1, path, -1, real_open(path, flags));
}
int __open64_2(const char* path, int flags) {
  REAL(int, open64, const char*, int, ...);
  PASS(opening(flags), -1, path, -1, real_open64(path, flags));
}
int __openat_2(int at, const char* path, int flags) {
  REAL(int, openat, int, const char*, int, ...);
  PASS(opening(flags), -1, path, -1, real_openat(at, path, flags));
}
int __openat64_2(int at, const char* path, int flags) {
  REAL(int, openat64, int, const char*, int, ...);
  PASS(opening(flags), -1, path, -1, real_openat64(at, path, flags));
}
int creat(const char* path, mode_t mode) {
  REAL(int, creat, const char*, mode_t);
  PASS(CREATE, -1, path, -1, real_creat(path, mode));
}
int mkstemp(char* path) {
  REAL(int, mkstemp, char*);
  PASS(CREATE, -1, path, -1, real_mkstemp(path));
}
int mkostemp(char* path, int flags) {
  REAL(int, mkostemp, char*, int);
  PASS(CREATE, -1, path, -1, real_mkostemp(path, flags));
}

/* --- sending: what a peer hears, and by which others go on. Not datagrams, which are log lines. */

static const char* conversation(int fd) {
  if (!control || !atomic_load(&control->armed) || !(control->kinds & 1u << SEND)) return NULL;
  int saved = errno, type = 0, domain = 0;
  socklen_t size = sizeof type;
  const char* name = NULL;
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_STREAM) {
    size = sizeof domain;
    name = getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &size) == 0 && domain == AF_UNIX ? "socket/unix" : "socket/inet";
  }
  errno = saved;
  return name;
}
#define PASS_SEND(fd, call)                         \
  do {                                              \
    const char* name = conversation(fd);            \
    if (!name) return call;                         \
    PASS(SEND, -1, name, -1, call);                 \
  } while (0)

ssize_t send(int fd, const void* data, size_t size, int flags) {
  REAL(ssize_t, send, int, const void*, size_t, int);
  PASS_SEND(fd, real_send(fd, data, size, flags));
}
ssize_t sendto(int fd, const void* data, size_t size, int flags, const struct sockaddr* to, socklen_t length) {
  REAL(ssize_t, sendto, int, const void*, size_t, int, const struct sockaddr*, socklen_t);
  PASS_SEND(fd, real_sendto(fd, data, size, flags, to, length));
}
ssize_t sendmsg(int fd, const struct msghdr* message, int flags) {
  REAL(ssize_t, sendmsg, int, const struct msghdr*, int);
  PASS_SEND(fd, real_sendmsg(fd, message, flags));
}

/* --- writing */

ssize_t write(int fd, const void* data, size_t size) {
  REAL(ssize_t, write, int, const void*, size_t);
  if (conversation(fd)) PASS_SEND(fd, real_write(fd, data, size));
  PASS(WRITE, fd, NULL, -1, real_write(fd, data, size));
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  REAL(ssize_t, writev, int, const struct iovec*, int);
  PASS(WRITE, fd, NULL, -1, real_writev(fd, parts, count));
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  REAL(ssize_t, pwrite, int, const void*, size_t, off_t);
  PASS(WRITE, fd, NULL, -1, real_pwrite(fd, data, size, offset));
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  REAL(ssize_t, pwrite64, int, const void*, size_t, off64_t);
  PASS(WRITE, fd, NULL, -1, real_pwrite64(fd, data, size, offset));
}
ssize_t pwritev(int fd, const struct iovec* parts, int count, off_t offset) {
  REAL(ssize_t, pwritev, int, const struct iovec*, int, off_t);
  PASS(WRITE, fd, NULL, -1, real_pwritev(fd, parts, count, offset));
}
ssize_t pwritev64(int fd, const struct iovec* parts, int count, off64_t offset) {
  REAL(ssize_t, pwritev64, int, const struct iovec*, int, off64_t);
  PASS(WRITE, fd, NULL, -1, real_pwritev64(fd, parts, count, offset));
}
int ftruncate(int fd, off_t size) {
  REAL(int, ftruncate, int, off_t);
  PASS(TRUNCATE, fd, NULL, -1, real_ftruncate(fd, size));
}
int ftruncate64(int fd, off64_t size) {
  REAL(int, ftruncate64, int, off64_t);
  PASS(TRUNCATE, fd, NULL, -1, real_ftruncate64(fd, size));
}
int truncate(const char* path, off_t size) {
  REAL(int, truncate, const char*, off_t);
  PASS(TRUNCATE, -1, path, -1, real_truncate(path, size));
}
int truncate64(const char* path, off64_t size) {
  REAL(int, truncate64, const char*, off64_t);
  PASS(TRUNCATE, -1, path, -1, real_truncate64(path, size));
}
int fsync(int fd) {
  REAL(int, fsync, int);
  PASS(FSYNC, fd, NULL, -1, real_fsync(fd));
}
int fdatasync(int fd) {
  REAL(int, fdatasync, int);
  PASS(FSYNC, fd, NULL, -1, real_fdatasync(fd));
}
int syncfs(int fd) {
  REAL(int, syncfs, int);
  PASS(FSYNC, fd, NULL, -1, real_syncfs(fd));
}

/* Only of a file that was open for writing is an error of close(2) of interest. The descriptor is gone either way, as on Linux. */
int close(int fd) {
  REAL(int, close, int);
  int saved = errno;
  int flags = fcntl(fd, F_GETFL);
  errno = saved;
  if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY) return real_close(fd);
  int met = meet(CLOSE, fd, NULL);
  if (!met) {
    int error = errno;
    real_close(fd);
    errno = error;
    return -1;
  }
  int result = real_close(fd);
  done(met);
  return result;
}

/* --- names */

int rename(const char* from, const char* to) {
  REAL(int, rename, const char*, const char*);
  PASS(RENAME, -1, to, -1, real_rename(from, to));
}
int renameat(int at, const char* from, int to_at, const char* to) {
  REAL(int, renameat, int, const char*, int, const char*);
  PASS(RENAME, -1, to, -1, real_renameat(at, from, to_at, to));
}
int renameat2(int at, const char* from, int to_at, const char* to, unsigned flags) {
  REAL(int, renameat2, int, const char*, int, const char*, unsigned);
  PASS(RENAME, -1, to, -1, real_renameat2(at, from, to_at, to, flags));
}
int link(const char* from, const char* to) {
  REAL(int, link, const char*, const char*);
  PASS(LINK, -1, to, -1, real_link(from, to));
}
int linkat(int at, const char* from, int to_at, const char* to, int flags) {
  REAL(int, linkat, int, const char*, int, const char*, int);
  PASS(LINK, -1, to, -1, real_linkat(at, from, to_at, to, flags));
}
int symlink(const char* to, const char* path) {
  REAL(int, symlink, const char*, const char*);
  PASS(LINK, -1, path, -1, real_symlink(to, path));
}
int unlink(const char* path) {
  REAL(int, unlink, const char*);
  PASS(UNLINK, -1, path, -1, real_unlink(path));
}
int unlinkat(int at, const char* path, int flags) {
  REAL(int, unlinkat, int, const char*, int);
  PASS(flags & AT_REMOVEDIR ? RMDIR : UNLINK, -1, path, -1, real_unlinkat(at, path, flags));
}
int remove(const char* path) {
  REAL(int, remove, const char*);
  PASS(UNLINK, -1, path, -1, real_remove(path));
}
int mkdir(const char* path, mode_t mode) {
  REAL(int, mkdir, const char*, mode_t);
  PASS(MKDIR, -1, path, -1, real_mkdir(path, mode));
}
int mkdirat(int at, const char* path, mode_t mode) {
  REAL(int, mkdirat, int, const char*, mode_t);
  PASS(MKDIR, -1, path, -1, real_mkdirat(at, path, mode));
}
int rmdir(const char* path) {
  REAL(int, rmdir, const char*);
  PASS(RMDIR, -1, path, -1, real_rmdir(path));
}

/* --- attributes */

int chmod(const char* path, mode_t mode) {
  REAL(int, chmod, const char*, mode_t);
  PASS(CHMOD, -1, path, -1, real_chmod(path, mode));
}
int fchmod(int fd, mode_t mode) {
  REAL(int, fchmod, int, mode_t);
  PASS(CHMOD, fd, NULL, -1, real_fchmod(fd, mode));
}
int fchmodat(int at, const char* path, mode_t mode, int flags) {
  REAL(int, fchmodat, int, const char*, mode_t, int);
  PASS(CHMOD, -1, path, -1, real_fchmodat(at, path, mode, flags));
}
int chown(const char* path, uid_t uid, gid_t gid) {
  REAL(int, chown, const char*, uid_t, gid_t);
  PASS(CHOWN, -1, path, -1, real_chown(path, uid, gid));
}
int lchown(const char* path, uid_t uid, gid_t gid) {
  REAL(int, lchown, const char*, uid_t, gid_t);
  PASS(CHOWN, -1, path, -1, real_lchown(path, uid, gid));
}
int fchown(int fd, uid_t uid, gid_t gid) {
  REAL(int, fchown, int, uid_t, gid_t);
  PASS(CHOWN, fd, NULL, -1, real_fchown(fd, uid, gid));
}
int fchownat(int at, const char* path, uid_t uid, gid_t gid, int flags) {
  REAL(int, fchownat, int, const char*, uid_t, gid_t, int);
  PASS(CHOWN, -1, path, -1, real_fchownat(at, path, uid, gid, flags));
}
int utimensat(int at, const char* path, const struct timespec times[2], int flags) {
  REAL(int, utimensat, int, const char*, const struct timespec*, int);
  PASS(UTIME, -1, path ? path : "", -1, real_utimensat(at, path, times, flags));
}
int futimens(int fd, const struct timespec times[2]) {
  REAL(int, futimens, int, const struct timespec*);
  PASS(UTIME, fd, NULL, -1, real_futimens(fd, times));
}
int utime(const char* path, const struct utimbuf* times) {
  REAL(int, utime, const char*, const struct utimbuf*);
  PASS(UTIME, -1, path, -1, real_utime(path, times));
}
int utimes(const char* path, const struct timeval times[2]) {
  REAL(int, utimes, const char*, const struct timeval*);
  PASS(UTIME, -1, path, -1, real_utimes(path, times));
}
int futimes(int fd, const struct timeval times[2]) {
  REAL(int, futimes, int, const struct timeval*);
  PASS(UTIME, fd, NULL, -1, real_futimes(fd, times));
}

/* --- what a machine can run out of: memory, mappings, threads, and the kernel's objects behind descriptors */

extern void* __libc_malloc(size_t);
extern void* __libc_calloc(size_t, size_t);
extern void* __libc_realloc(void*, size_t);
extern void* __libc_memalign(size_t, size_t);

/* Nothing is looked up here: the look-up allocates. Not before the constructor: the linker's own allocations are no one's fault. */
void* malloc(size_t size) {
  PASS(MEMORY, -1, "memory", NULL, __libc_malloc(size));
}
void* calloc(size_t count, size_t size) {
  PASS(MEMORY, -1, "memory", NULL, __libc_calloc(count, size));
}
void* realloc(void* old, size_t size) {
  PASS(MEMORY, -1, "memory", NULL, __libc_realloc(old, size));
}
void* aligned_alloc(size_t alignment, size_t size) {
  PASS(MEMORY, -1, "memory", NULL, __libc_memalign(alignment, size));
}

void* mmap(void* at, size_t size, int protection, int flags, int fd, off_t offset) {
  REAL(void*, mmap, void*, size_t, int, int, int, off_t);
  PASS(MAP, -1, "mapping", MAP_FAILED, real_mmap(at, size, protection, flags, fd, offset));
}
int mprotect(void* at, size_t size, int protection) {
  REAL(int, mprotect, void*, size_t, int);
  PASS(MAP, -1, "mapping", -1, real_mprotect(at, size, protection));
}
int pthread_create(pthread_t* thread, const pthread_attr_t* attributes, void* (*body)(void*), void* argument) {
  REAL(int, pthread_create, pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  PASS(THREAD, -1, "thread", EAGAIN, real_pthread_create(thread, attributes, body, argument));
}
int socket(int domain, int type, int protocol) {
  REAL(int, socket, int, int, int);
  PASS(OBJECT, -1, "socket", -1, real_socket(domain, type, protocol));
}
int socketpair(int domain, int type, int protocol, int ends[2]) {
  REAL(int, socketpair, int, int, int, int*);
  PASS(OBJECT, -1, "socket pair", -1, real_socketpair(domain, type, protocol, ends));
}
int accept4(int fd, struct sockaddr* address, socklen_t* length, int flags) {
  REAL(int, accept4, int, struct sockaddr*, socklen_t*, int);
  PASS(OBJECT, -1, "accept", -1, real_accept4(fd, address, length, flags));
}
int epoll_ctl(int epoll, int operation, int fd, struct epoll_event* event) {
  REAL(int, epoll_ctl, int, int, int, struct epoll_event*);
  if (operation == EPOLL_CTL_DEL) return real_epoll_ctl(epoll, operation, fd, event);
  PASS(OBJECT, -1, "epoll", -1, real_epoll_ctl(epoll, operation, fd, event));
}
int epoll_create1(int flags) {
  REAL(int, epoll_create1, int);
  PASS(OBJECT, -1, "epoll", -1, real_epoll_create1(flags));
}
int eventfd(unsigned start, int flags) {
  REAL(int, eventfd, unsigned, int);
  PASS(OBJECT, -1, "eventfd", -1, real_eventfd(start, flags));
}
int pipe2(int ends[2], int flags) {
  REAL(int, pipe2, int*, int);
  PASS(OBJECT, -1, "pipe", -1, real_pipe2(ends, flags));
}
