#include "io/layer.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <vector>

#include "both_ways.h"
#include "io/stream.h"

namespace {

using namespace io_test;
using io::Layer;
using io::Stream;
using Kind = io::StreamError::Kind;

// Turns letters' case and puts pieces of at most 200 bytes behind their length; a length of 0 is the end.
class Turning : public Layer {
 public:
  explicit Turning(int fd) : fd_(fd) {}
  ~Turning() override {
    if (destroyed != nullptr) *destroyed = true;
  }

  static std::string turned(std::string_view text) {
    std::string result(text);
    for (char& c : result) c = static_cast<char>(c ^ 0x20);
    return result;
  }
  static std::string piece(std::string_view text) {
    return static_cast<char>(static_cast<unsigned char>(text.size())) + turned(text);
  }

  Step read(std::span<char> into) override {
    if (broken) throw io::StreamError(Kind::broken, "a bad piece");
    if (needs_room > 0) {
      --needs_room;
      return {State::needs_room};
    }
    char buffer[300];
    const ssize_t size = ::recv(fd_, buffer, sizeof buffer, MSG_DONTWAIT);
    ++reads;
    if (size > 0) raw_.append(buffer, static_cast<std::size_t>(size));
    drained_ = size < static_cast<ssize_t>(sizeof buffer);
    if (raw_.empty()) return {size == 0 ? State::ended : State::needs_input};
    const std::size_t length = static_cast<unsigned char>(raw_[0]);
    if (length == 0) return {State::ended};
    if (raw_.size() <= length) return {size == 0 ? State::ended : State::needs_input};
    const std::size_t part = std::min(length, into.size());
    std::ranges::copy(turned(std::string_view(raw_).substr(1, part)), into.begin());
    raw_.erase(0, 1 + part);
    if (part < length) raw_.insert(raw_.begin(), static_cast<char>(length - part));
    if (!raw_.empty()) drained_ = false;
    return {State::done, part};
  }

  Step write(std::string_view bytes) override {
    given.emplace_back(bytes);
    const std::string raw = piece(bytes.substr(0, 200));
    const ssize_t size = ::send(fd_, raw.data(), raw.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
    if (size < 0 && errno == EAGAIN) return {State::needs_room};
    if (size < 0) throw io::StreamError(Kind::broken, "send");
    return {State::done, raw.size() - 1};
  }

  bool drained() const override { return drained_; }
  void say_goodbye() noexcept override { ::send(fd_, "", 1, MSG_DONTWAIT | MSG_NOSIGNAL); }

  std::vector<std::string> given;
  int reads = 0;
  int needs_room = 0;
  bool broken = false;
  bool* destroyed = nullptr;

 private:
  int fd_;
  std::string raw_;
  bool drained_ = false;
};

struct Line : RawPair {
  // The stream on the first end, and its layer.
  std::pair<Stream, Turning*> stream() {
    Stream result = RawPair::stream();
    auto layer = std::make_unique<Turning>(result.fd());
    Turning* view = layer.get();
    result.set_layer(std::move(layer));
    return {std::move(result), view};
  }
};

POSTRIDER_BOTH_WAYS(LayerBothWays);

TEST_P(LayerBothWays, LinesAreReadThroughIt) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    line.send(Turning::piece("EHLO a\r") + Turning::piece("\nQUIT\r\n"));
    EXPECT_EQ(stream.read_line(10).text, "EHLO a");
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
  });
}

TEST_P(LayerBothWays, APieceThatComesByteByByteIsWaitedFor) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    Peer peer([&] {
      for (const char c : Turning::piece("QUIT\r\n")) {
        line.send({&c, 1});
        io::sleep_until(io::Deadline::after(1ms));
      }
    });
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
  });
}

TEST_P(LayerBothWays, APieceThatNeverBecomesWholeTimesOut) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    line.send(Turning::piece("QUIT\r\n").substr(0, 4));
    stream.set_deadline(soon());
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::timed_out);
  });
}

TEST_P(LayerBothWays, WhatItHoldsIsReadWithoutAnyNewsFromTheDescriptor) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    std::string all;
    for (int i = 0; i < 100; ++i) all += Turning::piece("NOOP " + std::to_string(i) + "\r\n");
    line.send(all);
    for (int i = 0; i < 100; ++i) EXPECT_EQ(stream.read_line(20).text, "NOOP " + std::to_string(i));
  });
}

TEST_P(LayerBothWays, SmallWritesBecomeOnePiece) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    stream.write("250-a\r\n");
    stream.write("250 b\r\n");
    stream.flush();
    EXPECT_EQ(layer->given, std::vector<std::string>{"250-a\r\n250 b\r\n"});
    EXPECT_EQ(line.received(), Turning::piece("250-a\r\n250 b\r\n"));
  });
}

TEST_P(LayerBothWays, WhatWasGatheredGoesOutWithWhatFollowsInLargePieces) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    const std::string much(100000, 'x');
    std::string got;
    Peer peer([&] {
      Stream end(std::move(line.second));
      end.set_deadline(later());
      while (got.size() < much.size() + 5) {
        const auto length = static_cast<unsigned char>(end.read_exactly(1)[0]);
        got += Turning::turned(end.read_exactly(length));
      }
    });
    stream.write("first");
    stream.write(much);
    stream.flush();
    peer.end();
    EXPECT_TRUE(got == "first" + much);
    EXPECT_EQ(layer->given.front().size(), 16384U);
    EXPECT_EQ(layer->given.front().substr(0, 6), "firstx");
  });
}

TEST_P(LayerBothWays, AWriteThatFindsNoRoomTimesOut) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    stream.set_deadline(soon());
    EXPECT_EQ(kind_thrown_by([&] { stream.write(std::string(10000000, 'x')); }), Kind::timed_out);
  });
}

TEST_P(LayerBothWays, AReadMayHaveToWaitForRoom) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    layer->needs_room = 1;
    line.send(Turning::piece("QUIT\r\n"));
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
  });
}

TEST_P(LayerBothWays, OutputGoesOutBeforeAReadWaits) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    stream.write("220 hello\r\n");
    Peer peer([&] {
      Stream end(std::move(line.second));
      end.set_deadline(later());
      EXPECT_EQ(end.read_exactly(12), Turning::piece("220 hello\r\n"));
      end.write(Turning::piece("QUIT\r\n"));
      end.flush();
    });
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
  });
}

TEST_P(LayerBothWays, ItsEndIsTheStreamsEnd) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    line.send(Turning::piece("QUIT\r\n") + std::string(1, '\0') + Turning::piece("never\r\n"));
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
    EXPECT_TRUE(stream.at_end());
    EXPECT_FALSE(stream.input_waiting());
    EXPECT_FALSE(stream.read_line_or_end(10).has_value());
  });
}

TEST_P(LayerBothWays, ABrokenOneEndsTheSession) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    layer->broken = true;
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::broken);
    EXPECT_EQ(kind_thrown_by([&] { stream.input_waiting(); }), Kind::broken);
  });
}

TEST_P(LayerBothWays, InputWaitsOnlyWhenAWholePieceIsThere) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    EXPECT_FALSE(stream.input_waiting());
    line.send(Turning::piece("QUIT\r\n").substr(0, 4));
    EXPECT_FALSE(stream.input_waiting());
    line.send(Turning::piece("QUIT\r\n").substr(4));
    EXPECT_TRUE(stream.input_waiting());
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
    EXPECT_FALSE(stream.input_waiting());
  });
}

TEST_P(LayerBothWays, ADialogueAsksTheDescriptorOncePerLine) {
  run([] {
    if (!io::in_fiber()) return;
    Line line;
    auto [stream, layer] = line.stream();
    Peer peer([&] {
      Stream end(std::move(line.second));
      end.set_deadline(later());
      for (int i = 0; i < 10; ++i) {
        end.write(Turning::piece("NOOP\r\n"));
        end.flush();
        EXPECT_EQ(end.read_exactly(9), Turning::piece("250 Ok\r\n"));
      }
    });
    for (int i = 0; i < 10; ++i) {
      EXPECT_EQ(stream.read_line(10).text, "NOOP");
      stream.write("250 Ok\r\n");
    }
    stream.flush();
    peer.end();
    EXPECT_LE(layer->reads, 12);
  });
}

TEST(Layer, SaysGoodbyeWhenTheStreamCloses) {
  Line line;
  bool destroyed = false;
  {
    auto [stream, layer] = line.stream();
    layer->destroyed = &destroyed;
    Stream moved = std::move(stream);
    EXPECT_TRUE(moved.has_layer());
    EXPECT_FALSE(destroyed);
  }
  EXPECT_TRUE(destroyed);
  EXPECT_EQ(line.received(), std::string(1, '\0'));
  EXPECT_EQ(line.received(), "");
}

TEST(Layer, IsPutInOnlyWhenNothingIsBuffered) {
  Line line;
  Stream stream(std::move(line.first));
  stream.set_deadline(later());
  line.send("a\nb\n");
  EXPECT_EQ(stream.read_line(10).text, "a");
  EXPECT_THROW(stream.set_layer(std::make_unique<Turning>(stream.fd())), std::logic_error);
  stream.consume(stream.buffered().size());
  stream.set_layer(std::make_unique<Turning>(stream.fd()));
  EXPECT_THROW(stream.release(), std::logic_error);
}

TEST_P(LayerBothWays, WhoeverPreparesOneWaitsByTheStreamsDeadline) {
  run([] {
    Line line;
    auto [stream, layer] = line.stream();
    stream.wait_for(Layer::State::needs_room);
    stream.set_deadline(soon());
    EXPECT_EQ(kind_thrown_by([&] { stream.wait_for(Layer::State::needs_input); }), Kind::timed_out);
  });
}

}  // namespace
