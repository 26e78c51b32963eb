#include "dns/cache.h"

namespace dns {

namespace {

constexpr std::size_t kOverhead = 200;  // of an entry: nodes, pointers

std::size_t size_of(const std::string& key, const Answer& answer) {
  std::size_t size = kOverhead + 2 * key.size();
  if (!answer) return size + answer.error().text.size();
  for (const Record& record : *answer) size += sizeof(Record) + record.owner.size() + record.data.size();
  return size;
}

}  // namespace

std::optional<Answer> Cache::find(const std::string& key, io::Clock::time_point now) {
  const auto place = places_.find(key);
  if (place == places_.end()) return std::nullopt;
  const auto entry = place->second;
  if (now >= entry->until) {
    remove(entry);
    return std::nullopt;
  }
  entries_.splice(entries_.begin(), entries_, entry);
  Answer answer = entry->answer;
  if (answer) {
    const auto age =
        static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(now - entry->since).count());
    for (Record& record : *answer) record.ttl -= std::min(record.ttl, age);
  }
  return answer;
}

void Cache::put(const std::string& key, const Answer& answer, std::chrono::seconds life, io::Clock::time_point now) {
  if (const auto place = places_.find(key); place != places_.end()) remove(place->second);
  const std::size_t size = size_of(key, answer);
  if (life <= std::chrono::seconds(0) || most_answers_ == 0 || size > most_bytes_) return;
  entries_.push_front({key, answer, now, now + life, size});
  places_[key] = entries_.begin();
  bytes_ += size;
  while (entries_.size() > most_answers_ || bytes_ > most_bytes_) remove(std::prev(entries_.end()));
}

void Cache::clear() {
  entries_.clear();
  places_.clear();
  bytes_ = 0;
}

void Cache::remove(Entries::iterator entry) {
  bytes_ -= entry->bytes;
  places_.erase(entry->key);
  entries_.erase(entry);
}

}  // namespace dns
