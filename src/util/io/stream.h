#pragma once
// A buffered connection. Reads and writes are tried first and waited for only on EAGAIN; several small writes become
// one.

#include <cstddef>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "io/layer.h"
#include "io/wait.h"

namespace io {

// This session is over: the peer ended it, broke it, or was too slow. A session's top level catches it.
class StreamError : public std::runtime_error {
 public:
  enum class Kind { closed, timed_out, broken, too_long };
  StreamError(Kind kind, const std::string& text) : std::runtime_error(text), kind_(kind) {}
  Kind kind() const { return kind_; }

 private:
  Kind kind_;
};

class Stream {
 public:
  // Takes the descriptor, on which no read or write will block. `buffer_size` is what one read brings at most and what
  // is gathered for one write.
  explicit Stream(base::Fd fd, std::size_t buffer_size = 4096);
  Stream(Stream&& other) noexcept;
  Stream& operator=(Stream&& other) noexcept;
  ~Stream();  // closes; what was not flushed is lost

  // Each operation ends by this time or throws timed_out. One deadline covers all operations until it is set again.
  void set_deadline(Deadline deadline) {
    deadline_ = deadline;
    overdue_ = false;
  }
  Deadline deadline() const { return deadline_; }

  // A line without its "\n" or "\r\n", which the flag tells apart. Throws too_long when it has more than `most` bytes
  // (they stay in buffered()), closed at the end of the stream (also in the middle of a line).
  struct Line {
    std::string text;
    bool crlf;
  };
  Line read_line(std::size_t most);
  // Nothing at the end of the stream, where read_line throws.
  std::optional<Line> read_line_or_end(std::size_t most);
  // As read_line, in the buffer itself: valid until the next call.
  struct LineView {
    std::string_view text;
    bool crlf;
  };
  LineView view_line(std::size_t most);

  std::string read_exactly(std::size_t size);
  // At least one byte unless at the end: what is in the buffer, or what one read brings. Consumed; valid until the next
  // call.
  std::string_view read_some();
  std::string_view buffered() const;  // read, not yet consumed
  void consume(std::size_t size);     // of buffered()
  bool at_end();                      // waits for input or the end
  bool input_waiting();               // without waiting: whether there is a byte to read (with a layer: may throw)

  // Into the buffer; goes out with flush(), when the buffer is full, and before a read that has to wait. A failure
  // loses what was in the buffer.
  void write(std::string_view text);
  void flush();

  int fd() const { return fd_.get(); }
  base::Fd release();  // after a flush; nothing may be buffered, and there is no layer

  // From here on all bytes go through the layer. Nothing may be buffered, in either direction. What was gathered is
  // handed to the layer in one piece. A stream with a layer is used by one fiber at a time.
  void set_layer(std::unique_ptr<Layer> layer);
  bool has_layer() const { return layer_ != nullptr; }
  // For whoever prepares a layer: waits as the stream itself would. Throws timed_out.
  void wait_for(Layer::State need);

 private:
  enum class Got { input, nothing_yet, end };
  Got read_once();
  Got read_through_layer();
  bool fill();  // false at the end of the stream
  bool fill_after_wait();
  std::optional<LineView> next_line(std::size_t most);
  void send(std::string_view text);  // after what is in the buffer
  void send_plain(std::string_view text);
  void send_through_layer(std::string_view text);
  void drop_idle_buffers();
  Wakeup wait(bool for_input);
  void close() noexcept;

  base::Fd fd_;
  Deadline deadline_ = Deadline::never();
  std::size_t buffer_size_;
  std::string input_;  // allocated while there is input: an idle session holds no buffers
  std::size_t input_start_ = 0;
  std::string output_;
  std::unique_ptr<Layer> layer_;
  bool ended_ = false;
  bool drained_ = true;            // the last read emptied the socket: the next would only say EAGAIN
  bool socket_ = true;             // as long as nothing else is known
  bool registered_ = false;        // it was this very descriptor that the loop registered under its number
  bool sending_ = false;           // by another fiber, while this one reads
  bool overdue_ = false;           // the deadline has passed, and one read since
  bool input_needs_room_ = false;  // the layer must write before it can read
};

}  // namespace io
