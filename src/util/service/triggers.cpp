// Triggers: letters that arrive over connections of their own, or over a FIFO.

#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <cerrno>

#include "io/stream.h"
#include "logging/log.h"
#include "service/process.h"

namespace service {

namespace {

constexpr std::size_t kMostLetters = 1024;  // of one connection
constexpr auto kTriggerTime = std::chrono::seconds(10);
constexpr auto kBeforeTryingAgain = std::chrono::seconds(3);

}  // namespace

// A program of ours with a message begins it with a mark that is no letter.
void Process::receive_letters(Client client) {
  const auto deadline = io::Deadline::after(std::min<io::Clock::duration>(place_.ipc_timeout, kTriggerTime));
  while (true) {
    char first = 0;
    const ssize_t size = ::recv(client.fd.get(), &first, 1, MSG_PEEK | MSG_DONTWAIT);
    if (size > 0 && first == ipc::kFrameMark) {
      talk_to(std::move(client));
      return;
    }
    if (size >= 0) break;
    if (errno == EINTR) continue;
    if (errno != EAGAIN) break;
    if (io::wait_readable_again(client.fd.get(), deadline) == io::Wakeup::timed_out) break;
  }
  std::string letters;
  try {
    io::Stream stream(std::move(client.fd));
    stream.set_deadline(deadline);
    while (letters.size() < kMostLetters) {
      const std::string_view part = stream.read_some();
      letters += part.substr(0, kMostLetters - letters.size());
      if (part.empty() || part.contains('\0')) break;
    }
  } catch (const io::StreamError&) {
    // What came before counts.
  }
  note_letters(letters);
}

void Process::listen_to_fifo(int fifo) {
  while (!retiring_) {
    char letters[kMostLetters];
    const ssize_t size = ::read(fifo, letters, sizeof letters);
    if (size > 0) {
      ++served_;
      last_activity_ = io::Clock::now();
      note_letters({letters, static_cast<std::size_t>(size)});
      if (place_.max_use > 0 && served_ >= place_.max_use && !lives_on_) retire("maximal use count reached");
    } else if (size == 0) {
      // Without writers the end is reported again and again. Master keeps one open, so this is a guard only.
      io::sleep_until(io::Deadline::after(std::chrono::seconds(1)));
    } else if (errno == EAGAIN) {
      (void)io::wait_readable_again(fifo, io::Deadline::never());
    } else if (errno != EINTR) {
      logging::warning("service.fifo_failed", "{reason}", {{"reason", base::with_errno("read from FIFO", errno)}});
      io::sleep_until(io::Deadline::after(std::chrono::seconds(1)));
    }
  }
}

// Each letter once, however often it came.
void Process::note_letters(std::string_view letters) {
  for (const char letter : letters) {
    if (letter != '\0' && letter != '\n' && !letters_.contains(letter)) letters_ += letter;
  }
  if (!letters_.empty()) letters_came_.notify_one();
}

void Process::pass_letters_on() {
  while (true) {
    while (letters_.empty()) (void)letters_came_.wait(io::Deadline::never());
    if (!retiring_) (void)is_stale();
    const std::string letters = std::exchange(letters_, {});
    telling_letters_ = true;
    bool failed = false;
    try {
      server_.triggered(letters);
    } catch (const base::Fatal&) {
      throw;
    } catch (const std::exception& error) {
      logging::error("service.trigger_failed", "serving a request failed: {reason}", {{"reason", error.what()}});
      failed = true;
    }
    // The next wake-up may be a long time off.
    if (failed && !retiring_) {
      io::sleep_until(io::Deadline::after(kBeforeTryingAgain));
      note_letters(letters);
    }
    telling_letters_ = false;
    last_activity_ = io::Clock::now();
    left_.notify_all();
  }
}

}  // namespace service
