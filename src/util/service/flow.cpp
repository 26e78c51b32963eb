#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "service/flow.h"
#include "service/master_link.h"
#include "service/service.h"

namespace service::flow {

namespace {

constinit bool connected = false;

bool is_pipe(int fd) {
  struct stat status{};
  return ::fstat(fd, &status) == 0 && S_ISFIFO(status.st_mode);
}

bool take() {
  if (!connected) return true;
  char token = 0;
  while (true) {
    const ssize_t got = ::read(kFlowRead, &token, 1);
    if (got < 0 && errno == EINTR) continue;
    return got >= 0 || errno != EAGAIN;  // a broken pipe slows no one down
  }
}

}  // namespace

void connect() {
  connected = is_pipe(kFlowRead) && is_pipe(kFlowWrite);
  if (!connected) return;
  for (const int fd : {kFlowRead, kFlowWrite}) {
    const int flags = ::fcntl(fd, F_GETFL);
    if (flags >= 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
  }
}

void put(int tokens) {
  constexpr char kTokens[256] = {};
  while (connected && tokens > 0) {
    const ssize_t written = ::write(kFlowWrite, kTokens, static_cast<std::size_t>(std::min(tokens, 256)));
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the pipe is full of tokens already
    tokens -= static_cast<int>(written);
  }
}

void restore() {
  int left = 0;
  if (!connected || ::ioctl(kFlowRead, FIONREAD, &left) != 0) return;
  put(kFlowCredit - left);
  for (; left > kFlowCredit && take(); --left) {
  }
}

Token::Token() : is_there_(take()) {}

Token::~Token() {
  if (is_there_ && !passed_on_) put(1);
}

}  // namespace service::flow
