#include "client/tlsmgr_client.h"

#include <string.h>

#include <algorithm>
#include <ctime>

#include "logging/log.h"

namespace client {

namespace {

// A client that shows tickets of names that nobody knows does not make us ask for each.
constexpr auto kShortestInterval = std::chrono::seconds(1);
constexpr auto kAfterFailure = std::chrono::seconds(10);
constexpr auto kBetweenWarnings = std::chrono::minutes(5);
constexpr std::int64_t kLongestLifetime = std::int64_t{200} * 24 * 3600;

template <std::size_t size>
bool take(std::array<std::uint8_t, size>& into, const std::string& from) {
  if (from.size() != size) return false;
  std::ranges::copy(from, into.begin());
  return true;
}

}  // namespace

TlsmgrClient::TlsmgrClient(std::string socket_path, std::string service, io::Clock::duration timeout)
    : path_(std::move(socket_path)), service_(std::move(service)), timeout_(timeout) {}

TlsmgrClient::~TlsmgrClient() {
  forget();
}

void TlsmgrClient::forget() {
  if (!keys_.empty()) ::explicit_bzero(keys_.data(), keys_.size() * sizeof keys_.front());
  keys_.clear();
}

std::optional<tls::TicketKey> TlsmgrClient::current() {
  const auto latest = [&]() -> std::optional<tls::TicketKey> {
    const std::time_t now = std::time(nullptr);
    const auto found = std::ranges::max_element(keys_, {}, &tls::TicketKey::expires);
    if (found == keys_.end() || found->expires <= now) return std::nullopt;
    // The clock was set back: tlsmgr has let go of such a key, and so must we.
    if (found->expires > now + lifetime_) return std::nullopt;
    return *found;
  };
  if (auto key = latest()) return key;
  ask();
  return latest();
}

std::optional<tls::TicketKey> TlsmgrClient::named(std::span<const std::uint8_t, 16> name) {
  const auto find = [&]() -> std::optional<tls::TicketKey> {
    for (const tls::TicketKey& key : keys_) {
      if (std::ranges::equal(key.name, name) && key.expires + lifetime_ > std::time(nullptr)) return key;
    }
    return std::nullopt;
  };
  if (auto key = find()) return key;
  ask();  // another process may have seen the keys change before this one
  return find();
}

void TlsmgrClient::ask() {
  const auto now = io::Clock::now();
  if (asking_ || now < next_ask_) return;
  struct Asking {
    bool& flag;
    explicit Asking(bool& its) : flag(its) { flag = true; }
    ~Asking() { flag = false; }
  } const guard(asking_);
  next_ask_ = now + kShortestInterval;
  try {
    ipc::Channel channel = ipc::connect(path_, io::Deadline::after(timeout_));
    channel.set_deadline(io::Deadline::after(timeout_));
    channel.send(TlsmgrRequest{service_});
    channel.flush();
    keep(channel.receive<TlsmgrResult>());
  } catch (const io::StreamError& error) {
    next_ask_ = io::Clock::now() + kAfterFailure;
    if (now < next_warning_) return;
    next_warning_ = now + kBetweenWarnings;
    logging::warning("tls.no_ticket_keys", "{reason}: TLS sessions are not resumed",
                     {{"reason", ipc::naming(path_, error)}});
  }
}

void TlsmgrClient::keep(const TlsmgrResult& result) {
  forget();
  lifetime_ = std::clamp<std::int64_t>(result.lifetime, 0, kLongestLifetime);
  for (const TlsmgrResult::Key& sent : result.keys) {
    tls::TicketKey key;
    key.expires = sent.expires;
    if (take(key.name, sent.name) && take(key.cipher, sent.cipher) && take(key.hmac, sent.hmac)) keys_.push_back(key);
  }
  // Without tickets there is nothing to ask for again soon.
  if (lifetime_ == 0) next_ask_ = io::Clock::now() + std::chrono::minutes(1);
}

}  // namespace client
