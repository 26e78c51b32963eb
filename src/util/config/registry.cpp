#include "config/registry.h"

#include <array>
#include <atomic>
#include <limits>
#include <mutex>

#include "base/text.h"

namespace config {

namespace {

struct Piece {
  std::uint32_t offset;
  std::uint16_t length;
};

// A row without pointers, see paramgen.
struct Row {
  Piece name;
  Piece default_value;
  Piece area;
  Piece used_by;
  Piece since;
  Piece advice;
  Piece unserved;
  std::int64_t minimum;
  std::int64_t maximum;
  Type type;
  Kind kind;
  char unit;
};

#include "registry_table.inc"

constexpr std::size_t kCount = std::size(kRows);
static_assert(kCount < std::numeric_limits<std::uint16_t>::max());

constexpr std::string_view piece(const char* text, Piece piece) {
  return {text + piece.offset, piece.length};
}
constexpr std::string_view name_at(std::size_t index) {
  return piece(kNames, kRows[index].name);
}

// Rows in the form that the header promises, each made when it is first asked for.
constinit std::array<Parameter, kCount> parameters{};
constinit std::array<std::atomic<bool>, kCount> is_made{};
constinit std::mutex making;

const Parameter& parameter_at(std::size_t index) {
  Parameter& parameter = parameters[index];
  if (is_made[index].load(std::memory_order_acquire)) return parameter;
  const std::lock_guard lock(making);
  if (is_made[index].load(std::memory_order_relaxed)) return parameter;
  const Row& row = kRows[index];
  parameter = {.name = piece(kNames, row.name),
               .type = row.type,
               .kind = row.kind,
               .default_value = piece(kValues, row.default_value),
               .minimum = row.minimum,
               .maximum = row.maximum,
               .unit = row.unit,
               .area = piece(kWords, row.area),
               .used_by = piece(kWords, row.used_by),
               .since = piece(kWords, row.since),
               .advice = piece(kWords, row.advice),
               .unserved = piece(kWords, row.unserved)};
  is_made[index].store(true, std::memory_order_release);
  return parameter;
}

constexpr std::size_t kLongestName = 100;
constexpr std::size_t kMostSteps = 3;

// Steps from one spelling to the other, where a step changes, adds, drops or swaps letters; `limit` + 1 when there are
// more. `a` has at most kLongestName letters, and `limit` is at most kMostSteps.
std::size_t distance(std::string_view a, std::string_view b, std::size_t limit) {
  if (std::max(a.size(), b.size()) - std::min(a.size(), b.size()) > limit) return limit + 1;
  using Line = std::array<std::size_t, kLongestName + kMostSteps + 1>;
  std::array<Line, 3> rows{};
  Line* before = &rows[0];
  Line* above = &rows[1];
  Line* row = &rows[2];
  for (std::size_t j = 0; j <= b.size(); ++j) (*above)[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    // What is farther from the diagonal than `limit` takes more steps than that.
    const std::size_t first = i > limit ? i - limit : 1;
    const std::size_t last = std::min(b.size(), i + limit);
    (*row)[first - 1] = first == 1 ? i : limit + 1;
    std::size_t best = (*row)[first - 1];
    for (std::size_t j = first; j <= last; ++j) {
      const std::size_t change = base::to_lower(a[i - 1]) == base::to_lower(b[j - 1]) ? 0 : 1;
      std::size_t& steps = (*row)[j];
      steps = std::min({(*above)[j] + 1, (*row)[j - 1] + 1, (*above)[j - 1] + change});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) steps = std::min(steps, (*before)[j - 2] + 1);
      best = std::min(best, steps);
    }
    if (best > limit) return limit + 1;
    if (last < b.size()) (*row)[last + 1] = limit + 1;
    std::swap(before, above);
    std::swap(above, row);
  }
  return (*above)[b.size()];
}

}  // namespace

std::span<const Parameter> all_parameters() {
  for (std::size_t i = 0; i < kCount; ++i) parameter_at(i);
  return parameters;
}

const Parameter& parameter(std::uint16_t index) {
  return parameter_at(index);
}

const Parameter* find_parameter(std::string_view name) {
  std::size_t low = 0;
  std::size_t high = kCount;
  while (low < high) {
    const std::size_t middle = low + (high - low) / 2;
    const int order = name.compare(name_at(middle));
    if (order == 0) {
      const Parameter& found = parameter_at(middle);
      return found.kind == Kind::family ? nullptr : &found;
    }
    (order < 0 ? high : low) = order < 0 ? middle : middle + 1;
  }
  return nullptr;
}

const Parameter* find_family(std::string_view member) {
  for (std::size_t i = 0; i < kCount; ++i) {
    const std::string_view suffix = name_at(i);
    // The suffixes begin with an underscore, and so stand together.
    if (kRows[i].kind != Kind::family) continue;
    if (member.size() <= suffix.size() || !member.ends_with(suffix)) continue;
    // A longer suffix may fit too: x_extra_recipient_limit is not the _recipient_limit of x_extra.
    const Parameter* longest = &parameter_at(i);
    for (std::size_t j = i + 1; j < kCount; ++j) {
      if (kRows[j].kind != Kind::family || name_at(j).size() <= longest->name.size()) continue;
      if (member.size() > name_at(j).size() && member.ends_with(name_at(j))) longest = &parameter_at(j);
    }
    return longest;
  }
  return nullptr;
}

std::vector<const Parameter*> families_of(std::string_view program) {
  std::vector<const Parameter*> families;
  for (std::size_t i = 0; i < kCount; ++i) {
    if (kRows[i].kind == Kind::family && is_used_by(parameter_at(i), program)) families.push_back(&parameter_at(i));
  }
  return families;
}

bool is_used_by(const Parameter& parameter, std::string_view program) {
  std::string_view rest = parameter.used_by;
  while (!rest.empty()) {
    const auto end = std::min(rest.find(' '), rest.size());
    if (rest.substr(0, end) == program || rest.substr(0, end) == "global") return true;
    rest.remove_prefix(std::min(end + 1, rest.size()));
  }
  return false;
}

namespace {

// The nearest of what `candidate` gives for 0 to count - 1, where an empty one is no candidate.
template <typename Candidate>
std::optional<std::string_view> nearest(std::string_view name, std::size_t count, Candidate candidate) {
  if (name.size() > kLongestName) return std::nullopt;
  std::optional<std::string_view> found;
  // One mistake in a short word, three in a long one.
  std::size_t limit = name.size() < 4 ? 1 : std::min(kMostSteps, 1 + name.size() / 8);
  for (std::size_t i = 0; i < count; ++i) {
    const std::string_view other = candidate(i);
    if (other.empty()) continue;
    const std::size_t steps = distance(name, other, limit);
    if (steps > limit || (found && steps == limit)) continue;
    found = other;
    limit = steps;
  }
  return found;
}

}  // namespace

std::optional<std::string_view> nearest_name(std::string_view name) {
  return nearest(name, kCount, [](std::size_t i) {
    return kRows[i].kind == Kind::family || kRows[i].kind == Kind::obsolete ? std::string_view() : name_at(i);
  });
}

std::optional<std::string_view> nearest_of(std::string_view word, std::span<const std::string_view> known) {
  return nearest(word, known.size(), [&](std::size_t i) { return known[i]; });
}

}  // namespace config
