#include "logging/log.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <exception>
#include <iterator>
#include <memory>
#include <mutex>

#include "logging/destinations.h"
#include "logging/record.h"

namespace logging {

namespace {

struct State {
  std::mutex mutex;
  Identity identity;
  std::vector<std::unique_ptr<Destination>> text;
  std::vector<std::unique_ptr<Destination>> json;
  Capture* capture = nullptr;
  std::atomic<int> verbosity = 0;
  std::atomic<long> lost = 0;  // events for which there was no memory

  State() : identity(completed({program_invocation_short_name, "", ""})) { text.push_back(standard_error()); }
};

// Never destroyed: what runs after main may still have something to tell.
State& state() {
  static State* const only = new State;
  return *only;
}

void deliver(State& to, const Record& record) {
  if (!to.text.empty()) {
    const std::string line = as_text(record);
    for (const auto& destination : to.text) destination->put(record.level, line, to.identity);
  }
  if (!to.json.empty()) {
    const std::string object = as_json(record, to.identity);
    for (const auto& destination : to.json) destination->put(record.level, object, to.identity);
  }
}

// Without memory for what is in the fields.
void say_last_words(std::string_view text) noexcept {
  try {
    State& to = state();
    char line[512];
    const std::scoped_lock lock(to.mutex);
    const auto end =
        fmt::format_to_n(line, sizeof line - 1, "{} {} {}/{}[{}]: fatal: {} (no memory left to say more)", timestamp(),
                         to.identity.host, to.identity.syslog_name, to.identity.program, ::getpid(), text);
    *end.out = '\n';
    const std::string_view whole(line, static_cast<std::size_t>(end.out - line) + 1);
    for (const auto& destination : to.text) destination->put_last_words(whole);
    for (const auto& destination : to.json) destination->put_last_words(whole);
  } catch (...) {
    // It ends without a word.
  }
}

}  // namespace

void write(Level level, std::string_view event, std::string_view text, Fields fields) noexcept {
  try {
    const Record record{level, event, rendered(text, fields), fields};
    State& to = state();
    const std::scoped_lock lock(to.mutex);
    if (const long lost = to.lost.exchange(0); lost > 0) {
      const std::string count = std::to_string(lost);
      try {
        const Fields fields_of_loss = {{"count", count}};
        constexpr std::string_view kText = "{count} log lines before this one were lost: out of memory";
        deliver(to, {Level::warning, "logging.lost", rendered(kText, fields_of_loss), fields_of_loss});
      } catch (...) {
        to.lost += lost;
        throw;
      }
    }
    if (to.capture != nullptr) {
      to.capture->events_.push_back({level, std::string(event), record.text});
    } else {
      deliver(to, record);
    }
  } catch (...) {
    // Out of memory, most likely; the contract is to drop the event rather than to stop the mail.
    ++state().lost;
    if (level >= Level::fatal) say_last_words(text);
  }
}

void debug(std::string_view event, std::string_view text, Fields fields) noexcept {
  if (verbosity() > 0) write(Level::debug, event, text, fields);
}

int verbosity() {
  return state().verbosity.load(std::memory_order_relaxed);
}
void set_verbosity(int level) {
  state().verbosity.store(level, std::memory_order_relaxed);
}

std::expected<void, base::Error> open(const Setup& setup) {
  std::vector<std::unique_ptr<Destination>> text;
  std::vector<std::unique_ptr<Destination>> json;
  std::expected<void, base::Error> outcome;
  if (setup.standard_error) text.push_back(standard_error(setup.standard_error_from));
  if (setup.syslog) text.push_back(syslog_socket(setup.syslog_socket, setup.syslog_facility));
  if (!setup.file.empty() || setup.postlog_pipe >= 0) {
    const bool is_own = setup.postlog_socket.empty() && setup.postlog_pipe < 0;
    auto file =
        is_own ? log_file(setup.file, setup.file_mode, setup.file_form)
               : postlog_socket(setup.postlog_socket, setup.file, setup.file_mode, setup.file_form, setup.postlog_pipe);
    if (file) {
      (setup.file_form == Form::json ? json : text).push_back(std::move(*file));
    } else {
      outcome = std::unexpected(std::move(file.error()));
    }
  }
  Identity identity = completed(setup.identity);

  State& to = state();
  const std::scoped_lock lock(to.mutex);
  to.identity = std::move(identity);
  to.text.swap(text);
  to.json.swap(json);
  return outcome;
}

const Identity& identity() {
  return state().identity;
}

Capture::Capture() {
  State& to = state();
  const std::scoped_lock lock(to.mutex);
  outer_ = to.capture;
  to.capture = this;
}

Capture::~Capture() {
  State& to = state();
  const std::scoped_lock lock(to.mutex);
  to.capture = outer_;
}

const std::vector<Capture::Event>& Capture::events() const {
  return events_;
}

bool Capture::contains(std::string_view text) const {
  return std::ranges::any_of(events_, [&](const Event& event) { return event.text.contains(text); });
}

}  // namespace logging
