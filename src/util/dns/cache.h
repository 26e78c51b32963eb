#pragma once
// Inside the library: answers for as long as they last. Bounded in number and in bytes; the least recently used go
// first.

#include <list>
#include <optional>
#include <string>
#include <unordered_map>

#include "dns/resolver.h"

namespace dns {

class Cache {
 public:
  Cache(std::size_t most_answers, std::size_t most_bytes) : most_answers_(most_answers), most_bytes_(most_bytes) {}

  // With what is left of the records' lives.
  std::optional<Answer> find(const std::string& key, io::Clock::time_point now);
  void put(const std::string& key, const Answer& answer, std::chrono::seconds life, io::Clock::time_point now);
  void clear();
  std::size_t size() const { return entries_.size(); }
  std::size_t bytes() const { return bytes_; }

 private:
  struct Entry {
    std::string key;
    Answer answer;
    io::Clock::time_point since, until;
    std::size_t bytes;
  };
  using Entries = std::list<Entry>;
  void remove(Entries::iterator entry);

  std::size_t most_answers_, most_bytes_;
  std::size_t bytes_ = 0;
  Entries entries_;  // the most recently used first
  std::unordered_map<std::string, Entries::iterator> places_;
};

}  // namespace dns
