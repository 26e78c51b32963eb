#pragma once
// What may stand between a stream and its descriptor: TLS. A layer does the reading and writing of the descriptor
// itself; the stream keeps the buffers, the deadline and the waits.

#include <cstddef>
#include <span>
#include <string_view>

namespace io {

class Layer {
 public:
  virtual ~Layer() = default;

  // What came of it, or what must be waited for before it is tried again: input or room for output, which need not be
  // what the operation's name suggests.
  enum class State { done, needs_input, needs_room, ended };
  struct Step {
    State state;
    std::size_t size = 0;  // when done: at least 1
  };

  // Neither waits. Both throw StreamError when the connection is broken, and then every time.
  virtual Step read(std::span<char> into) = 0;
  // Never `ended`. A write that was not done is tried again with the same bytes, or no write follows at all.
  virtual Step write(std::string_view bytes) = 0;

  // After a read: whether the next one can bring nothing before the descriptor has news. Where that is not known,
  // false.
  virtual bool drained() const = 0;

  // Tells the peer that this was the end, as far as that needs no waiting. The last call.
  virtual void say_goodbye() noexcept = 0;
};

}  // namespace io
