#pragma once
// A conversation between two of our programs: frames on a UNIX socket. A frame is a mark byte (0x01, which no trigger
// request and no text begins with), a version byte, the kind (16 bits), the length (32 bits) and a message.

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/stream.h"
#include "ipc/codec.h"

namespace ipc {

// The whole vocabulary. A number is never used again for something else.
enum class Kind : std::uint16_t {
  cleanup_begin = 1,
  cleanup_started = 2,
  cleanup_records = 3,
  cleanup_result = 4,
  arrived = 10,        // to qmgr: these messages are in incoming; no reply
  spares_wanted = 11,  // to qmgr
  spares = 12,
  delivery_request = 20,
  delivery_report = 21,
  bounce_notice = 30,
  bounce_single = 31,
  bounce_result = 32,
  flush_request = 40,
  flush_result = 41,
  anvil_request = 50,
  anvil_result = 51,
  tlsmgr_request = 60,
  tlsmgr_result = 61,
};

constexpr char kFrameMark = '\x01';
constexpr char kFrameVersion = 1;
constexpr std::size_t kLargestFrame = 16 * 1024 * 1024;

struct Frame {
  Kind kind;
  std::string payload;
};

// Every failure (the peer is gone, too slow, or says what cannot be understood) is an io::StreamError: the conversation
// is over.
class Channel {
 public:
  explicit Channel(io::Stream stream) : stream_(std::move(stream)) {}
  explicit Channel(base::Fd fd) : stream_(std::move(fd), 65536) {}

  void set_deadline(io::Deadline deadline) { stream_.set_deadline(deadline); }

  // Gathered; goes out with flush() and before receive() waits.
  template <typename Message>
  void send(const Message& message) {
    send_frame(Message::kind, encode(message));
  }
  void send_frame(Kind kind, std::string_view payload);
  void flush() { stream_.flush(); }

  // The next frame must be of this kind.
  template <typename Message>
  Message receive() {
    return understand<Message>(receive_frame());
  }
  // For servers of several kinds: the caller looks at the kind and hands the frame to understand().
  Frame receive_frame();
  // For servers, where a request may begin. Nothing: the peer closed between frames, or this process wants the
  // connection back (see IdleObserver).
  // `within`: what the rest of a frame is given once its first byte is there. A peer may be silent between two requests
  // for as long as it likes, but half a request holds nobody longer than that. Who has asked nothing yet is idle after
  // that time, or after ten seconds.
  std::optional<Frame> receive_frame_or_end(io::Clock::duration within = std::chrono::hours(1));

  template <typename Message>
  static Message understand(const Frame& frame) {
    if (frame.kind != Message::kind) throw_unexpected(frame.kind);
    auto message = decode<Message>(frame.payload);
    if (!message) throw_malformed(frame.kind);
    return std::move(*message);
  }

  // Nothing was read yet and something is there, or the peer closed: an idle connection that cannot be used again.
  bool spoiled();
  io::Stream& stream() { return stream_; }

 private:
  [[noreturn]] static void throw_unexpected(Kind kind);
  [[noreturn]] static void throw_malformed(Kind kind);
  bool request_comes(io::Clock::duration within);
  io::Stream stream_;
  bool served_ = false;  // a frame has come: from now on the peer knows that an idle connection may end
};

// Told when a server's connection waits between two requests, or has waited long for the first. Then it may be given up
// without harm: whoever keeps it sees that it is spoiled and connects again. At most one in a process; the service
// frame is it.
class IdleObserver {
 public:
  virtual bool idle(int fd) = 0;  // false: the connection must end now
  virtual void resumed(int fd) noexcept = 0;

 protected:
  ~IdleObserver() = default;
};
void set_idle_observer(IdleObserver* observer);

// Connects to "private/defer" and the like, relative to the working directory. Throws io::StreamError.
Channel connect(const std::string& path, io::Deadline deadline);

// The error's text, with the path in it.
std::string naming(std::string_view path, const io::StreamError& error);

// Connections that are kept between requests, by socket path. For one loop; a connection idle for longer than
// `idle_limit` is not used again.
class Pool {
 public:
  explicit Pool(io::Clock::duration idle_limit = std::chrono::seconds(5)) : idle_limit_(idle_limit) {}

  // A kept connection, or a new one. `reused` tells the caller that a failure may only mean that the server went away
  // meanwhile: ask again with Freshness::fresh.
  enum class Freshness { any, fresh };
  struct Lease {
    std::unique_ptr<Channel> channel;
    bool reused;
  };
  Lease acquire(const std::string& path, io::Deadline deadline, Freshness freshness = Freshness::any);
  void give_back(const std::string& path, std::unique_ptr<Channel> channel);  // only after a complete exchange
  void drop_idle();                                                           // closes what is too old
  std::size_t idle() const { return idle_.size(); }

 private:
  struct Idle {
    std::string path;
    std::unique_ptr<Channel> channel;
    io::Clock::time_point since;
  };
  io::Clock::duration idle_limit_;
  std::vector<Idle> idle_;
};

}  // namespace ipc
