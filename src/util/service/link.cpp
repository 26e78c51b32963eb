#include "service/link.h"

#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <string_view>

#include "io/wait.h"

namespace service {

void Link::tell_of_success() {
  if (!succeeded_ && told_ == kAvailable) send(kAvailable);
}

void Link::tell(std::int32_t state) {
  if (told_ != state) send(state);
}

void Link::send(std::int32_t state) {
  if (fd_ < 0) return;
  const StatusMessage message{static_cast<std::int32_t>(::getpid()), generation_, state};
  // Small enough to go as a whole or not at all. When master is so far behind that there is no room, the next call says
  // it; nobody waits here.
  ssize_t size = 0;
  do {
    size = ::write(fd_, &message, sizeof message);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return;
  told_ = state;
  succeeded_ |= state == kAvailable;
}

Link::Word Link::next_word() {
  while (true) {
    char byte = 0;
    const ssize_t size = ::read(fd_, &byte, 1);
    if (size > 0 && byte == kStress) return Word::stress;
    if (size > 0 && byte == kCalm) return Word::calm;
    if (size > 0) return Word::told_to_finish;
    if (size == 0) return Word::master_is_gone;
    if (errno == EINTR) continue;
    if (errno == EBADF) {
      // The end of a pipe that is for writing only: that its reader is gone shows as an error.
      struct pollfd state{fd_, 0, 0};
      if (::poll(&state, 1, 0) > 0) return Word::master_is_gone;
    } else if (errno != EAGAIN) {
      return Word::master_is_gone;
    }
    (void)io::wait_readable_again(fd_, io::Deadline::never());
  }
}

std::uint32_t generation_from_environment() {
  const char* text = std::getenv("GENERATION");
  if (text == nullptr) return 0;
  const std::string_view digits(text);
  std::uint32_t value = 0;
  const auto result = std::from_chars(digits.data(), digits.data() + digits.size(), value, 8);
  return result.ec == std::errc() && result.ptr == digits.data() + digits.size() ? value : 0;
}

}  // namespace service
