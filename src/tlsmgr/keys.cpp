#include "tlsmgr/keys.h"

#include <string.h>
#include <sys/random.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"

namespace tlsmgr {

namespace {

constexpr std::size_t kMostServices = 100;
constexpr std::size_t kLongestName = 100;
constexpr base::Seconds kShortestLifetime{120};

void wipe(tls::TicketKey& key) {
  ::explicit_bzero(&key, sizeof key);
}

}  // namespace

Keys::Keys(base::Seconds lifetime, Random random)
    : lifetime_(lifetime.count() > 0 ? std::max(lifetime, kShortestLifetime) : base::Seconds(0)),
      random_(std::move(random)) {}

Keys::~Keys() {
  for (auto& [service, keys] : by_service_) std::ranges::for_each(keys, wipe);
}

tls::TicketKey Keys::make(std::time_t now) const {
  tls::TicketKey key;
  random_(key.name);
  random_(key.cipher);
  random_(key.hmac);
  key.expires = now + lifetime_.count();
  return key;
}

const std::vector<tls::TicketKey>& Keys::of(const std::string& service, std::time_t now) {
  static const std::vector<tls::TicketKey> none;
  if (lifetime_.count() == 0 || service.empty() || service.size() > kLongestName) return none;
  auto found = by_service_.find(service);
  if (found == by_service_.end()) {
    if (by_service_.size() >= kMostServices) drop_old(now);
    if (by_service_.size() >= kMostServices) return none;
    found = by_service_.try_emplace(service).first;
    found->second.reserve(2);  // no key is ever moved and left behind
  }
  std::vector<tls::TicketKey>& keys = found->second;
  drop_old(keys, now);
  if (keys.empty() || keys.back().expires <= now) keys.push_back(make(now));
  return keys;
}

void Keys::drop_old(std::vector<tls::TicketKey>& keys, std::time_t now) const {
  // A clock that was put back must not keep a key alive for longer than it was meant to be.
  const auto over = [&](const tls::TicketKey& key) {
    return key.expires + lifetime_.count() <= now || key.expires > now + lifetime_.count();
  };
  std::size_t kept = 0;
  for (tls::TicketKey& key : keys) {
    if (over(key)) {
      wipe(key);
    } else {
      if (&keys[kept] != &key) {
        keys[kept] = key;
        wipe(key);
      }
      ++kept;
    }
  }
  keys.resize(kept);
}

bool Keys::drop_old(std::time_t now) {
  for (auto& [service, keys] : by_service_) drop_old(keys, now);
  std::erase_if(by_service_, [](const auto& entry) { return entry.second.empty(); });
  return !by_service_.empty();
}

void kernel_random(std::span<std::uint8_t> into) {
  std::size_t filled = 0;
  while (filled < into.size()) {
    const ssize_t size = ::getrandom(into.data() + filled, into.size() - filled, 0);
    if (size < 0 && errno == EINTR) continue;
    if (size <= 0) throw base::Fatal(base::with_errno("getrandom", errno));
    filled += static_cast<std::size_t>(size);
  }
}

}  // namespace tlsmgr
