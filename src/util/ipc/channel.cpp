#include "ipc/channel.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "io/socket.h"
#include "io/wait.h"

namespace ipc {

namespace {

constexpr std::size_t kHeaderSize = 8;
constexpr std::size_t kMostIdle = 256;  // of one pool

// Whoever connects has something to ask, and asks it at once. Who has not asked by then is as good as idle.
constexpr io::Clock::duration kFirstRequest = std::chrono::seconds(10);

// Both ends run on this machine and come from one build or the next: numbers travel as the machine keeps them.
std::string header_of(Kind kind, std::size_t size) {
  const auto kind_bits = static_cast<std::uint16_t>(kind);
  const auto length = static_cast<std::uint32_t>(size);
  std::string header(kHeaderSize, '\0');
  header[0] = kFrameMark;
  header[1] = kFrameVersion;
  std::memcpy(&header[2], &kind_bits, sizeof kind_bits);
  std::memcpy(&header[4], &length, sizeof length);
  return header;
}

constinit IdleObserver* idle_observer = nullptr;

class IdleTime {
 public:
  IdleTime(IdleObserver& observer, int fd) : observer_(observer), fd_(fd) {}
  ~IdleTime() { observer_.resumed(fd_); }
  IdleTime(const IdleTime&) = delete;
  IdleTime& operator=(const IdleTime&) = delete;

 private:
  IdleObserver& observer_;
  int fd_;
};

io::StreamError broken(const std::string& text) {
  return {io::StreamError::Kind::broken, text};
}

}  // namespace

void Channel::send_frame(Kind kind, std::string_view payload) {
  if (payload.size() > kLargestFrame) {
    throw broken(fmt::format("a message of kind {} has {} bytes, more than {}", static_cast<int>(kind), payload.size(),
                             kLargestFrame));
  }
  stream_.write(header_of(kind, payload.size()));
  stream_.write(payload);
}

Frame Channel::receive_frame() {
  const std::string header = stream_.read_exactly(kHeaderSize);
  if (header[0] != kFrameMark) throw broken("the peer sends something else than messages");
  if (header[1] != kFrameVersion) {
    throw broken(fmt::format("the peer speaks version {} of the internal protocol, this program version {}",
                             static_cast<int>(header[1]), static_cast<int>(kFrameVersion)));
  }
  std::uint16_t kind = 0;
  std::uint32_t length = 0;
  std::memcpy(&kind, &header[2], sizeof kind);
  std::memcpy(&length, &header[4], sizeof length);
  if (length > kLargestFrame) {
    throw io::StreamError(io::StreamError::Kind::too_long, fmt::format("the peer announces {} bytes", length));
  }
  return {static_cast<Kind>(kind), stream_.read_exactly(length)};
}

// False: the peer closed, or this process wants the connection back.
bool Channel::request_comes(io::Clock::duration within) {
  if (idle_observer == nullptr || !stream_.buffered().empty()) return !stream_.at_end();
  stream_.flush();
  if (!served_) {
    const io::Deadline patience = stream_.deadline().or_earlier(io::Deadline::after(std::min(within, kFirstRequest)));
    if (io::wait_readable(stream_.fd(), patience) == io::Wakeup::ready) return !stream_.at_end();
  }
  if (!idle_observer->idle(stream_.fd())) return false;
  const IdleTime idle(*idle_observer, stream_.fd());
  return !stream_.at_end();
}

std::optional<Frame> Channel::receive_frame_or_end(io::Clock::duration within) {
  if (!request_comes(within)) return std::nullopt;
  const io::Deadline deadline = stream_.deadline();
  stream_.set_deadline(deadline.or_earlier(io::Deadline::after(within)));
  Frame frame = receive_frame();
  stream_.set_deadline(deadline);
  served_ = true;
  return frame;
}

void set_idle_observer(IdleObserver* observer) {
  idle_observer = observer;
}

bool Channel::spoiled() {
  if (!stream_.buffered().empty()) return true;
  char byte = 0;
  return ::recv(stream_.fd(), &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 || (errno != EAGAIN && errno != EINTR);
}

void Channel::throw_unexpected(Kind kind) {
  throw broken(fmt::format("the peer sends an unexpected message of kind {}", static_cast<int>(kind)));
}

void Channel::throw_malformed(Kind kind) {
  throw broken(fmt::format("the peer sends a malformed message of kind {}", static_cast<int>(kind)));
}

Channel connect(const std::string& path, io::Deadline deadline) {
  io::Endpoint endpoint{io::Endpoint::Type::unix_stream, {}, {}, path};
  auto fd = io::connect(endpoint, deadline);
  if (!fd) throw broken(fd.error().text);
  Channel channel(std::move(*fd));
  channel.set_deadline(deadline);
  return channel;
}

std::string naming(std::string_view path, const io::StreamError& error) {
  const std::string_view text = error.what();
  return text.contains(path) ? std::string(text) : fmt::format("{}: {}", path, text);
}

Pool::Lease Pool::acquire(const std::string& path, io::Deadline deadline, Freshness freshness) {
  drop_idle();
  // The one that was used last is the likeliest to live.
  for (std::size_t i = idle_.size(); freshness == Freshness::any && i-- > 0;) {
    if (idle_[i].path != path) continue;
    std::unique_ptr<Channel> channel = std::move(idle_[i].channel);
    idle_.erase(idle_.begin() + static_cast<std::ptrdiff_t>(i));
    if (channel->spoiled()) continue;
    channel->set_deadline(deadline);
    return {std::move(channel), true};
  }
  return {std::make_unique<Channel>(connect(path, deadline)), false};
}

void Pool::give_back(const std::string& path, std::unique_ptr<Channel> channel) {
  drop_idle();
  if (idle_.size() >= kMostIdle) idle_.erase(idle_.begin());
  idle_.push_back({path, std::move(channel), io::Clock::now()});
}

void Pool::drop_idle() {
  const auto oldest = io::Clock::now() - idle_limit_;
  std::erase_if(idle_, [&](const Idle& idle) { return idle.since < oldest; });
}

}  // namespace ipc
