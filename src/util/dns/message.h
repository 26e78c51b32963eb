#pragma once
// Inside the library: one question and one answer as bytes. Nothing in an answer is believed: not its lengths, not its
// counts, not that it belongs to the question.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dns/resolver.h"

namespace dns {

constexpr int kMostAliases = 10;             // answers that have nothing but aliases
constexpr int kMostAliasesAtOnce = 50;       // in one answer
constexpr std::uint16_t kUdpPayload = 1232;  // what passes every network in one piece

// The bytes that ask for the name (ASCII, no last dot). Nothing for a name that does not fit.
std::optional<std::string> question(std::string_view name, Type type, std::uint16_t id, bool extended);

struct Reply {
  unsigned code = 0;                 // 0: fine; 3: no such name
  bool truncated = false;            // then the rest means nothing
  std::vector<Record> records = {};  // of the type and of the name, or of the end of its aliases
  std::string end = {};              // where the aliases lead: the name itself without any
  int aliases = 0;
  std::uint32_t ttl = 0;        // how long the whole may be remembered; 0 for "no such" without a SOA record
  std::uint32_t alias_ttl = 0;  // ... and the way to the end
  int unusable = 0;             // records of the type that made no sense and were left out
  int bad_names = 0;            // ... because their data is no host name
};

enum class Mistrust {
  not_ours,   // another id, another question: somebody's guess
  malformed,  // ours, but it cannot be read
};
std::expected<Reply, Mistrust> read_reply(std::string_view bytes, std::string_view name, Type type, std::uint16_t id,
                                          std::size_t most_records);

// Equal but for upper and lower case.
bool same_name(std::string_view a, std::string_view b);

}  // namespace dns
