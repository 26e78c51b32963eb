#include "io/stream.h"

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>

#include "base/error.h"
#include "io/scheduler.h"

namespace io {

namespace {

using Kind = StreamError::Kind;

// Input goes through here, so that a stream allocates for what came and not for what might have come.
constexpr std::size_t kScratchSize = 64 * 1024;
// What a layer gets in one piece: what a TLS record holds.
constexpr std::size_t kLayerPiece = 16 * 1024;
constinit thread_local std::array<char, kScratchSize> scratch{};

StreamError broken(std::string_view what, int error_number) {
  const bool closed = error_number == EPIPE;
  return StreamError(closed ? Kind::closed : Kind::broken, base::with_errno(what, error_number));
}

StreamError closed() {
  return StreamError(Kind::closed, "the connection was closed");
}

StreamError timed_out(std::string_view what) {
  return StreamError(Kind::timed_out, fmt::format("{}: timed out", what));
}

void make_non_blocking(int fd) {
  const int flags = ::fcntl(fd, F_GETFL);
  if (flags >= 0 && (flags & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, flags | O_NONBLOCK);
}

iovec part(std::string_view text) {
  return {const_cast<char*>(text.data()), text.size()};
}

// To a socket, as much as it takes at once of the two.
ssize_t send_once(int fd, std::string_view first, std::string_view second) {
  if (first.empty()) std::swap(first, second);
  if (second.empty()) return ::send(fd, first.data(), first.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  iovec parts[] = {part(first), part(second)};
  msghdr message{};
  message.msg_iov = parts;
  message.msg_iovlen = 2;
  return ::sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

// To anything else. A pipe knows no MSG_NOSIGNAL: the signal is caught between two masks.
ssize_t write_once(int fd, std::string_view first, std::string_view second) {
  sigset_t pipe_signal;
  sigset_t before;
  sigset_t pending;
  ::sigemptyset(&pipe_signal);
  ::sigaddset(&pipe_signal, SIGPIPE);
  ::sigpending(&pending);
  ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &before);
  const iovec parts[] = {part(first), part(second)};
  const ssize_t size = ::writev(fd, parts, 2);
  const int problem = errno;
  if (size < 0 && problem == EPIPE && ::sigismember(&pending, SIGPIPE) == 0) {
    const timespec at_once{};
    ::sigtimedwait(&pipe_signal, nullptr, &at_once);
  }
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
  errno = problem;
  return size;
}

}  // namespace

Stream::Stream(base::Fd fd, std::size_t buffer_size)
    : fd_(std::move(fd)), buffer_size_(std::clamp<std::size_t>(buffer_size, 1, kScratchSize)) {}

Stream::Stream(Stream&& other) noexcept = default;

Stream& Stream::operator=(Stream&& other) noexcept {
  if (this == &other) return *this;
  close();
  fd_ = std::move(other.fd_);
  deadline_ = other.deadline_;
  buffer_size_ = other.buffer_size_;
  input_ = std::move(other.input_);
  input_start_ = std::exchange(other.input_start_, 0);
  output_ = std::move(other.output_);
  layer_ = std::move(other.layer_);
  ended_ = other.ended_;
  drained_ = other.drained_;
  socket_ = other.socket_;
  registered_ = other.registered_;
  sending_ = other.sending_;
  overdue_ = other.overdue_;
  input_needs_room_ = other.input_needs_room_;
  return *this;
}

Stream::~Stream() {
  close();
}

void Stream::close() noexcept {
  if (layer_) layer_->say_goodbye();
  layer_.reset();
  if (fd_) detail::closing(fd_.get());
  fd_.reset();
}

void Stream::set_layer(std::unique_ptr<Layer> layer) {
  if (layer_ || !buffered().empty() || !output_.empty())
    throw std::logic_error("a stream gets a layer with bytes in its buffers");
  layer_ = std::move(layer);
  drained_ = false;
}

void Stream::wait_for(Layer::State need) {
  const bool for_input = need != Layer::State::needs_room;
  if (detail::passed(deadline_) || wait(for_input) == Wakeup::timed_out) throw timed_out(for_input ? "read" : "write");
}

base::Fd Stream::release() {
  if (layer_) throw std::logic_error("a stream is given away without its layer");
  if (!buffered().empty() || !output_.empty())
    throw std::logic_error("a stream is given away with bytes in its buffers");
  forget(fd_.get());
  return std::move(fd_);
}

std::string_view Stream::buffered() const {
  return std::string_view(input_).substr(input_start_);
}

void Stream::consume(std::size_t size) {
  input_start_ += std::min(size, input_.size() - input_start_);
}

bool Stream::at_end() {
  return buffered().empty() && !fill();
}

bool Stream::input_waiting() {
  if (!buffered().empty()) return true;
  if (ended_) return false;
  if (layer_) return read_through_layer() == Got::input;
  int size = 0;
  return ::ioctl(fd_.get(), FIONREAD, &size) == 0 && size > 0;
}

std::string_view Stream::read_some() {
  if (buffered().empty() && !fill()) return {};
  const std::string_view all = buffered();
  input_start_ = input_.size();
  return all;
}

std::string Stream::read_exactly(std::size_t size) {
  // The result grows with what comes: a peer that announces much has not sent it yet.
  std::string result;
  while (result.size() < size) {
    if (buffered().empty() && !fill()) throw closed();
    const std::string_view part = buffered().substr(0, size - result.size());
    result += part;
    consume(part.size());
  }
  return result;
}

std::optional<Stream::LineView> Stream::next_line(std::size_t most) {
  std::size_t searched = 0;
  while (true) {
    const std::string_view input = buffered();
    const std::size_t newline = input.find('\n', searched);
    const bool whole = newline != std::string_view::npos;
    const std::string_view line = whole ? input.substr(0, newline) : input;
    const bool cr = line.ends_with('\r');
    if (line.size() - (cr ? 1 : 0) > most) {
      throw StreamError(Kind::too_long, fmt::format("a line is longer than {} bytes", most));
    }
    if (whole) {
      consume(newline + 1);
      return LineView{line.substr(0, line.size() - (cr ? 1 : 0)), cr};
    }
    searched = input.size();
    if (!fill()) return std::nullopt;
  }
}

Stream::LineView Stream::view_line(std::size_t most) {
  if (auto line = next_line(most)) return *line;
  throw closed();
}

Stream::Line Stream::read_line(std::size_t most) {
  const LineView line = view_line(most);
  return {std::string(line.text), line.crlf};
}

std::optional<Stream::Line> Stream::read_line_or_end(std::size_t most) {
  if (auto line = next_line(most)) return Line{std::string(line->text), line->crlf};
  if (!buffered().empty()) throw closed();
  return std::nullopt;
}

Wakeup Stream::wait(bool for_input) {
  // The first time the loop is made to look at the descriptor itself: its number may have had another owner.
  const auto known = registered_ ? detail::Known::would_block : detail::Known::nothing;
  registered_ = in_fiber();
  return detail::wait_for(fd_.get(), for_input ? detail::Direction::read : detail::Direction::write, known, deadline_);
}

Stream::Got Stream::read_once() {
  if (detail::running != nullptr) detail::running->scheduler->note_progress();
  if (layer_) return read_through_layer();
  while (true) {
    const ssize_t size = socket_ ? ::recv(fd_.get(), scratch.data(), buffer_size_, MSG_DONTWAIT)
                                 : ::read(fd_.get(), scratch.data(), buffer_size_);
    if (size > 0) {
      const auto length = static_cast<std::size_t>(size);
      drained_ = socket_ && length < buffer_size_;
      input_.append(scratch.data(), length);
      return Got::input;
    }
    if (size == 0) {
      ended_ = true;
      return Got::end;
    }
    if (errno == ENOTSOCK && socket_) {
      socket_ = false;
      drained_ = false;
      make_non_blocking(fd_.get());
      continue;
    }
    if (errno == EAGAIN) return Got::nothing_yet;
    if (errno != EINTR) throw broken("read", errno);
  }
}

Stream::Got Stream::read_through_layer() {
  const Layer::Step step = layer_->read(std::span(scratch).first(buffer_size_));
  drained_ = layer_->drained();
  input_needs_room_ = step.state == Layer::State::needs_room;
  if (step.state == Layer::State::done) {
    input_.append(scratch.data(), step.size);
    return Got::input;
  }
  ended_ = step.state == Layer::State::ended;
  return ended_ ? Got::end : Got::nothing_yet;
}

bool Stream::fill() {
  if (ended_) return false;
  // What is there is still taken when the deadline has passed; but a peer cannot go on for ever with a byte at a time.
  if (detail::passed(deadline_)) {
    if (overdue_) throw timed_out("read");
    overdue_ = true;
  }
  input_.erase(0, input_start_);
  input_start_ = 0;
  const bool surely_waits =
      drained_ && (!in_fiber() || detail::running->scheduler->poller().event_will_come(fd_.get()));
  if (!surely_waits) {
    const Got got = read_once();
    if (got != Got::nothing_yet) return got == Got::input;
  }
  if (!output_.empty() && !sending_) {
    std::optional<StreamError> failure;
    try {
      flush();
    } catch (const StreamError& error) {
      if (error.kind() == Kind::timed_out) throw;
      failure = error;
    }
    // A peer that takes nothing more may have said why.
    if (failure) {
      if (read_once() == Got::input) return true;
      throw *failure;
    }
  }
  return fill_after_wait();
}

bool Stream::fill_after_wait() {
  drop_idle_buffers();
  while (true) {
    const bool last = overdue_ || wait(!input_needs_room_) == Wakeup::timed_out;
    const Got got = read_once();
    if (got != Got::nothing_yet) return got == Got::input;
    if (last) throw timed_out("read");
  }
}

void Stream::drop_idle_buffers() {
  if (input_.empty()) std::string().swap(input_);
  if (output_.empty() && !sending_) std::string().swap(output_);
}

void Stream::write(std::string_view text) {
  if (output_.size() + text.size() <= buffer_size_) {
    output_ += text;
  } else {
    send(text);
  }
}

void Stream::flush() {
  if (!output_.empty()) send({});
}

void Stream::send(std::string_view text) {
  struct Guard {
    Stream& stream;
    explicit Guard(Stream& owner) : stream(owner) { stream.sending_ = true; }
    ~Guard() {
      stream.sending_ = false;
      stream.output_.clear();
    }
  };
  const Guard guard(*this);
  if (layer_) {
    send_through_layer(text);
  } else {
    send_plain(text);
  }
}

void Stream::send_through_layer(std::string_view text) {
  if (!output_.empty()) {
    const std::size_t joins = std::min(text.size(), kLayerPiece - std::min(kLayerPiece, output_.size()));
    output_ += text.substr(0, joins);
    text.remove_prefix(joins);
  }
  for (std::string_view rest : {std::string_view(output_), text}) {
    while (!rest.empty()) {
      if (detail::running != nullptr) detail::running->scheduler->note_progress();
      const Layer::Step step = layer_->write(rest.substr(0, kLayerPiece));
      if (step.state == Layer::State::done) {
        rest.remove_prefix(step.size);
      } else if (detail::passed(deadline_) || wait(step.state == Layer::State::needs_input) == Wakeup::timed_out) {
        throw timed_out("write");
      }
    }
  }
}

void Stream::send_plain(std::string_view text) {
  std::string_view first = output_;
  while (!first.empty() || !text.empty()) {
    if (detail::running != nullptr) detail::running->scheduler->note_progress();
    const ssize_t size = socket_ ? send_once(fd_.get(), first, text) : write_once(fd_.get(), first, text);
    if (size >= 0) {
      const auto from_first = std::min(static_cast<std::size_t>(size), first.size());
      first.remove_prefix(from_first);
      text.remove_prefix(static_cast<std::size_t>(size) - from_first);
    } else if (errno == ENOTSOCK && socket_) {
      socket_ = false;
      drained_ = false;
      make_non_blocking(fd_.get());
    } else if (errno == EAGAIN) {
      if (detail::passed(deadline_) || wait(false) == Wakeup::timed_out) throw timed_out("write");
    } else if (errno != EINTR) {
      throw broken("write", errno);
    }
  }
}

}  // namespace io
