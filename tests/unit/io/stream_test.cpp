#include "io/stream.h"

#include <fcntl.h>
#include <sys/socket.h>

#include "both_ways.h"
#include "io/socket.h"

namespace {

using namespace io_test;
using io::Stream;
using Kind = io::StreamError::Kind;

using Line = RawPair;

POSTRIDER_BOTH_WAYS(StreamBothWays);

TEST_P(StreamBothWays, ReadsLinesAndTellsTheirEndsApart) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("EHLO a\r\nb\n\r\n\nc\rd\r\r\n");
    for (const auto& [text, crlf] :
         {std::pair("EHLO a", true), {"b", false}, {"", true}, {"", false}, {"c\rd\r", true}}) {
      const Stream::Line read = stream.read_line(100);
      EXPECT_EQ(read.text, text);
      EXPECT_EQ(read.crlf, crlf);
    }
  });
}

TEST_P(StreamBothWays, ALineMayComeByteByByte) {
  run([] {
    Line line;
    Stream stream = line.stream();
    Peer peer([&] {
      for (const char c : std::string_view("QUIT\r\nx\n")) {
        line.send({&c, 1});
        io::sleep_until(io::Deadline::after(1ms));
      }
    });
    EXPECT_EQ(stream.read_line(4).text, "QUIT");
    EXPECT_EQ(stream.read_line(1).text, "x");
  });
}

TEST_P(StreamBothWays, ALineMayHaveAsManyBytesAsAllowedAndNotOneMore) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("1234\r\n1234\n12345\r\n");
    EXPECT_EQ(stream.read_line(4).text, "1234");
    EXPECT_EQ(stream.read_line(4).text, "1234");
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(4); }), Kind::too_long);
    EXPECT_EQ(stream.buffered(), "12345\r\n");
  });
}

TEST_P(StreamBothWays, ALineWithoutEndIsTooLongBeforeItsEndComes) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("1234\r");
    line.send("5");
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(4); }), Kind::too_long);
  });
}

TEST_P(StreamBothWays, ALineLongerThanTheBufferIsRead) {
  run([] {
    Line line;
    Stream stream(std::move(line.first), 16);
    stream.set_deadline(later());
    line.send(std::string(1000, 'x').append("\r\ny\n"));
    EXPECT_EQ(stream.read_line(1000).text, std::string(1000, 'x'));
    EXPECT_EQ(stream.read_line(1000).text, "y");
  });
}

TEST_P(StreamBothWays, AnEndlessLimitDoesNotOverflow) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("x\r\n");
    EXPECT_EQ(stream.read_line(~std::size_t{0}).text, "x");
  });
}

TEST_P(StreamBothWays, TheEndIsAnErrorOrNothingAsAsked) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("a\nb\n");
    line.second.reset();
    EXPECT_EQ(stream.read_line(10).text, "a");
    EXPECT_EQ(stream.read_line_or_end(10)->text, "b");
    EXPECT_FALSE(stream.read_line_or_end(10));
    EXPECT_TRUE(stream.at_end());
    EXPECT_EQ(stream.read_some(), "");
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::closed);
  });
}

TEST_P(StreamBothWays, AnEndInTheMiddleOfALineIsAlwaysAnError) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("half");
    line.second.reset();
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line_or_end(10); }), Kind::closed);
    EXPECT_EQ(stream.buffered(), "half");
  });
}

TEST_P(StreamBothWays, ThePeerMayCloseAtEveryByteOfADialogue) {
  constexpr std::string_view kDialogue = "EHLO client\r\nMAIL\r\n.\r\nQUIT\r\n";
  for (std::size_t end = 0; end <= kDialogue.size(); ++end) {
    run([&] {
      Line line;
      Peer peer([&] {
        for (std::size_t i = 0; i < end; ++i) {
          line.send(kDialogue.substr(i, 1));
          if (i % 3 == 0) io::sleep_until(io::Deadline::after(100us));
        }
        line.second.reset();
      });
      Stream stream = line.stream();
      std::size_t lines = 0;
      try {
        stream.write("220 hello\r\n");
        while (true) {
          stream.read_line(100);
          ++lines;
          stream.write("250 ok\r\n");
        }
      } catch (const io::StreamError& error) {
        EXPECT_TRUE(error.kind() == Kind::closed || error.kind() == Kind::broken) << error.what();
      }
      // What was sent before the end counts, also when our answers no longer go through.
      EXPECT_EQ(lines, static_cast<std::size_t>(std::ranges::count(kDialogue.substr(0, end), '\n'))) << end;
    });
  }
}

TEST_P(StreamBothWays, AResetIsBrokenOrClosed) {
  run([] {
    const auto listener = io::listen(*io::parse_endpoint("127.0.0.1:0"));
    auto client = io::connect(where(*listener), later());
    ASSERT_TRUE(client) << client.error().text;
    Stream stream(std::move(*io::accept(listener->get(), later())));
    stream.set_deadline(later());
    const linger at_once{1, 0};
    ::setsockopt(client->get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    io::forget(client->get());
    client->reset();
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::broken);
    EXPECT_EQ(kind_thrown_by([&] {
                stream.write("x");
                stream.flush();
              }),
              Kind::closed);
  });
}

TEST_P(StreamBothWays, ReadsExactlyAsMuchAsAsked) {
  run([] {
    Line line;
    Stream stream = line.stream();
    Peer peer([&] {
      for (int i = 0; i < 10; ++i) {
        line.send(std::string(1000, static_cast<char>('0' + i)));
        io::yield();
      }
      line.second.reset();
    });
    EXPECT_EQ(stream.read_exactly(0), "");
    EXPECT_EQ(stream.read_exactly(999), std::string(999, '0'));
    EXPECT_EQ(stream.read_exactly(2), "01");
    EXPECT_EQ(stream.read_exactly(8999).back(), '9');
    EXPECT_EQ(kind_thrown_by([&] { stream.read_exactly(1); }), Kind::closed);
  });
}

TEST_P(StreamBothWays, WhatIsReadAheadCanBeLookedAtAndConsumed) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("GET\nbody");
    EXPECT_FALSE(stream.at_end());
    EXPECT_EQ(stream.buffered(), "GET\nbody");
    stream.consume(4);
    EXPECT_EQ(stream.read_some(), "body");
    EXPECT_EQ(stream.buffered(), "");
    stream.consume(1000);
    EXPECT_EQ(stream.buffered(), "");
  });
}

TEST_P(StreamBothWays, TellsWhetherInputWaitsWithoutWaiting) {
  run([] {
    Line line;
    Stream stream = line.stream();
    EXPECT_FALSE(stream.input_waiting());
    line.send("ab");
    EXPECT_TRUE(stream.input_waiting());
    stream.at_end();
    stream.consume(1);
    EXPECT_TRUE(stream.input_waiting());
    stream.consume(1);
    EXPECT_FALSE(stream.input_waiting());
    line.second.reset();
    EXPECT_FALSE(stream.input_waiting());
  });
}

TEST_P(StreamBothWays, SmallWritesGoOutTogether) {
  run([] {
    Line line;
    Stream stream = line.stream();
    stream.write("250-a\r\n");
    stream.write("250 b\r\n");
    EXPECT_EQ(line.received(), "nothing");
    stream.flush();
    EXPECT_EQ(line.received(), "250-a\r\n250 b\r\n");
  });
}

TEST_P(StreamBothWays, AFullBufferGoesOut) {
  run([] {
    Line line;
    Stream stream(std::move(line.first), 10);
    stream.write("1234567890");
    EXPECT_EQ(line.received(), "nothing");
    stream.write("x");
    EXPECT_EQ(line.received(), "1234567890x");
  });
}

TEST_P(StreamBothWays, AReadThatWaitsFlushesFirst) {
  run([] {
    Line line;
    Stream stream = line.stream();
    Peer peer([&] {
      Stream other(std::move(line.second));
      other.set_deadline(later());
      EXPECT_EQ(other.read_line(10).text, "220 hi");
      other.write("QUIT\n");
      other.flush();
    });
    stream.write("220 hi\n");
    EXPECT_EQ(stream.read_line(10).text, "QUIT");
  });
}

TEST_P(StreamBothWays, AReadThatHasItsInputDoesNotFlush) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("a\nb\n");
    EXPECT_EQ(stream.read_line(10).text, "a");
    stream.write("250 ok\n");
    EXPECT_EQ(stream.read_line(10).text, "b");
    EXPECT_EQ(line.received(), "nothing");
  });
}

TEST_P(StreamBothWays, MuchDataGoesBothWaysInOrder) {
  run([] {
    Line line;
    std::string sent;
    for (int i = 0; i < 200000; ++i) sent += std::to_string(i) + "\n";
    Stream stream = line.stream();
    Peer peer([&] {
      Stream other(std::move(line.second), 1000);
      other.set_deadline(later());
      const std::string got = other.read_exactly(sent.size());
      EXPECT_TRUE(got == sent);
      other.write(got);
      other.flush();
    });
    stream.write(sent);
    stream.flush();
    EXPECT_TRUE(stream.read_exactly(sent.size()) == sent);
  });
}

TEST_P(StreamBothWays, EveryReadEndsAtTheDeadline) {
  run([] {
    Line line;
    Stream stream = line.stream();
    stream.set_deadline(soon());
    const auto start = io::Clock::now();
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::timed_out);
    EXPECT_GE(io::Clock::now() - start, 25ms);
    EXPECT_LT(io::Clock::now() - start, 5s);
    EXPECT_EQ(kind_thrown_by([&] { stream.read_exactly(1); }), Kind::timed_out);
    EXPECT_EQ(kind_thrown_by([&] { stream.read_some(); }), Kind::timed_out);
    EXPECT_EQ(kind_thrown_by([&] { stream.at_end(); }), Kind::timed_out);
    stream.set_deadline(later());
    line.send("x\n");
    EXPECT_EQ(stream.read_line(10).text, "x");
  });
}

TEST_P(StreamBothWays, AWriteEndsAtTheDeadline) {
  run([] {
    Line line;
    Stream stream = line.stream();
    stream.set_deadline(soon());
    EXPECT_EQ(kind_thrown_by([&] { stream.write(std::string(10000000, 'x')); }), Kind::timed_out);
  });
}

TEST_P(StreamBothWays, AByteAtATimeDoesNotPutOffTheDeadline) {
  for (const auto pause : {0ms, 2ms}) {
    run([&] {
      Line line;
      Stream stream = line.stream();
      Peer peer([&] {
        while (::send(line.second.get(), "x", 1, MSG_NOSIGNAL) == 1 || errno == EAGAIN) {
          pause == 0ms ? io::yield() : io::sleep_until(io::Deadline::after(pause));
        }
      });
      stream.set_deadline(io::Deadline::after(60ms));
      EXPECT_EQ(kind_thrown_by([&] { stream.read_line(1000000000); }), Kind::timed_out);
      {
        const Stream gone = std::move(stream);
      }
    });
  }
}

TEST_P(StreamBothWays, HoweverMuchIsThereOneReadIsMadeAfterTheDeadline) {
  run([] {
    Line line;
    Stream stream(std::move(line.first), 10);
    line.send(std::string(1000, 'x'));
    stream.set_deadline(io::Deadline::after(-1s));
    EXPECT_EQ(kind_thrown_by([&] { stream.read_exactly(11); }), Kind::timed_out);
    stream.set_deadline(later());
    EXPECT_EQ(stream.read_exactly(900).size(), 900U);
  });
}

TEST_P(StreamBothWays, WhatIsThereIsReadEvenAfterTheDeadline) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("x\n");
    stream.set_deadline(io::Deadline::after(-1s));
    EXPECT_EQ(stream.read_line(10).text, "x");
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::timed_out);
  });
}

TEST_P(StreamBothWays, ThePeersLastWordsAreReadThoughItTakesNoMore) {
  run([] {
    Line line;
    Stream stream = line.stream();
    line.send("421 closing\r\n");
    line.second.reset();
    stream.write("MAIL FROM:<>\r\n");
    EXPECT_EQ(stream.read_line(100).text, "421 closing");
  });
}

TEST_P(StreamBothWays, PipesAreStreamsToo) {
  run([] {
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    Stream reader((base::Fd(fds[0])));
    Stream writer((base::Fd(fds[1])));
    reader.set_deadline(later());
    writer.set_deadline(later());
    const std::string much(1000000, 'x');
    Peer peer([&] {
      writer.write(much);
      writer.write("\nend\n");
      writer.flush();
    });
    EXPECT_TRUE(reader.read_line(2000000).text == much);
    EXPECT_EQ(reader.read_line(10).text, "end");
    peer.end();
    {
      const Stream closed = std::move(writer);
    }
    EXPECT_TRUE(reader.at_end());
  });
}

TEST_P(StreamBothWays, AClosedPipeIsAnErrorAndNoSignal) {
  run([] {
    int fds[2];
    ASSERT_EQ(::pipe2(fds, O_CLOEXEC), 0);
    ::close(fds[0]);
    Stream writer((base::Fd(fds[1])));
    writer.write("x");
    EXPECT_EQ(kind_thrown_by([&] { writer.flush(); }), Kind::closed);
  });
}

TEST_P(StreamBothWays, ARegularFileIsAStream) {
  run([] {
    Stream file(base::Fd(::open(POSTRIDER_SOURCE_DIR "/CMakeLists.txt", O_RDONLY | O_CLOEXEC)), 64);
    file.set_deadline(later());
    EXPECT_TRUE(file.read_line(200).text.starts_with("cmake_minimum_required"));
    while (file.read_line_or_end(10000)) {
    }
  });
}

TEST_P(StreamBothWays, GivesItsDescriptorAwayOnlyWithEmptyBuffers) {
  run([] {
    Line line;
    Stream stream = line.stream();
    stream.write("x");
    EXPECT_THROW(stream.release(), std::logic_error);
    stream.flush();
    line.send("ab");
    stream.at_end();
    EXPECT_THROW(stream.release(), std::logic_error);
    stream.read_some();
    const base::Fd fd = stream.release();
    EXPECT_EQ(::send(fd.get(), "y", 1, 0), 1);
    EXPECT_EQ(line.received(), "xy");
  });
}

TEST_P(StreamBothWays, ABlockingDescriptorDoesNotBlock) {
  run([] {
    int fds[2];
    ASSERT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
    const base::Fd other(fds[1]);
    Stream stream((base::Fd(fds[0])));
    stream.set_deadline(soon());
    EXPECT_EQ(kind_thrown_by([&] { stream.read_line(10); }), Kind::timed_out);
    stream.set_deadline(soon());
    EXPECT_EQ(kind_thrown_by([&] { stream.write(std::string(10000000, 'x')); }), Kind::timed_out);
  });
}

TEST_P(StreamBothWays, MovesWithWhatItHolds) {
  run([] {
    Line one;
    Line two;
    Stream first = one.stream();
    Stream second = two.stream();
    two.send("a\nb\n");
    EXPECT_EQ(second.read_line(10).text, "a");
    second.write("pending\n");
    first = std::move(second);
    EXPECT_EQ(one.received(), "");  // closed
    EXPECT_EQ(first.read_line(10).text, "b");
    first.flush();
    EXPECT_EQ(two.received(), "pending\n");
  });
}

TEST_P(StreamBothWays, OneFiberReadsWhileAnotherWrites) {
  run([] {
    Line line;
    Stream stream = line.stream();
    if (!io::in_fiber()) return;  // a stream belongs to one thread
    const std::string much(3000000, 'x');
    Peer writer([&] {
      stream.write("head");
      stream.write(much);
      stream.flush();
    });
    Peer other([&] {
      line.send("hello\n");
      Stream end(std::move(line.second));
      end.set_deadline(later());
      io::sleep_until(io::Deadline::after(5ms));
      EXPECT_EQ(end.read_exactly(4), "head");
      EXPECT_TRUE(end.read_exactly(much.size()) == much);
      end.write("bye\n");
      end.flush();
    });
    EXPECT_EQ(stream.read_line(10).text, "hello");
    EXPECT_EQ(stream.read_line(10).text, "bye");
  });
}

}  // namespace
