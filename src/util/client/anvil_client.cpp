#include "client/anvil_client.h"

#include <new>
#include <utility>

#include "logging/log.h"

namespace client {

namespace {

// After a failure sessions go on without limits for this long, rather than each of them waiting in its turn.
constexpr auto kPauseAfterFailure = std::chrono::seconds(1);
constexpr auto kBetweenWarnings = std::chrono::minutes(1);

std::string_view cut(std::string_view range) {
  return range.substr(0, AnvilClient::kLongestRange);
}

}  // namespace

AnvilClient::AnvilClient(std::string socket_path, io::Clock::duration timeout)
    : path_(std::move(socket_path)), timeout_(timeout) {}

std::optional<AnvilCounts> AnvilClient::count(std::string_view range, AnvilEvent event, int by) {
  const std::string key(cut(range));
  const auto counts = ask(key, event, by);
  if (event == AnvilEvent::connect) open_[key] += by;
  return counts;
}

std::optional<AnvilCounts> AnvilClient::ask(const std::string& range, AnvilEvent event, int by) {
  const io::Deadline deadline = io::Deadline::after(timeout_);
  if (io::Clock::now() < not_before_) return std::nullopt;
  if (io::in_fiber() && !turn_.acquire(deadline)) return std::nullopt;
  std::optional<io::Permit> permit;
  if (io::in_fiber()) permit.emplace(turn_);
  if (io::Clock::now() < not_before_) return std::nullopt;  // the one before us has just failed

  struct Asking {
    AnvilClient& client;
    bool complete = false;
    explicit Asking(AnvilClient& of) : client(of) { client.asking_ = true; }
    ~Asking() {
      client.asking_ = false;
      // Also when this fiber is cancelled: whose answer would come next?
      if (!complete || std::exchange(client.parting_lost_, false)) client.channel_.reset();
      client.send_partings();
    }
  } asking(*this);
  for (int attempt = 1;; ++attempt) {
    bool kept = false;
    try {
      AnvilRequest request;
      if (channel_ && channel_->spoiled()) channel_.reset();
      kept = channel_ != nullptr;
      if (!kept) {
        channel_ = std::make_unique<ipc::Channel>(ipc::connect(path_, deadline));
        tell_of_open(request);
      } else {
        request.items = std::exchange(partings_, {});
      }
      channel_->set_deadline(deadline);
      request.items.push_back({event, range, by});
      channel_->send(request);
      const AnvilCounts counts = channel_->receive<AnvilResult>().counts;
      asking.complete = true;
      return counts;
    } catch (const io::StreamError& error) {
      channel_.reset();
      // anvil may have ended between two requests: it starts again.
      if (kept && attempt == 1 && error.kind() != io::StreamError::Kind::timed_out) continue;
      lost(ipc::naming(path_, error));
      return std::nullopt;
    }
  }
}

void AnvilClient::disconnect(std::string_view range) noexcept {
  const auto found = open_.find(cut(range));
  if (found == open_.end()) return;
  try {
    if (channel_) partings_.push_back({AnvilEvent::disconnect, found->first, 1});
  } catch (const std::bad_alloc&) {
    parting_lost_ = true;
  }
  if (--found->second == 0) open_.erase(found);
  if (asking_) return;
  if (std::exchange(parting_lost_, false)) channel_.reset();  // its end tells all
  send_partings();
}

// Everything that is open, in place of what an older connection may or may not have been told.
void AnvilClient::tell_of_open(AnvilRequest& request) {
  partings_.clear();
  for (const auto& [range, connections] : open_) request.items.push_back({AnvilEvent::held, range, connections});
}

void AnvilClient::send_partings() {
  if (partings_.empty()) return;
  if (!channel_) {  // its end has told all
    partings_.clear();
    return;
  }
  try {
    channel_->set_deadline(io::Deadline::after({}));  // who ends waits for nothing
    channel_->send(AnvilRequest{std::exchange(partings_, {}), false});
    channel_->flush();
  } catch (const std::exception&) {  // it is broken, or there is no memory
    channel_.reset();
  } catch (const io::Cancelled&) {
    channel_.reset();
  }
}

void AnvilClient::lost(std::string_view why) {
  const auto now = io::Clock::now();
  not_before_ = now + kPauseAfterFailure;
  if (last_warning_ != io::Clock::time_point{} && now < last_warning_ + kBetweenWarnings) return;
  last_warning_ = now;
  logging::warning("anvil.unreachable", "problem talking to service anvil: {reason}; limits are not in force",
                   {{"reason", why}});
}

}  // namespace client
