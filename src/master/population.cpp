#include "master/population.h"

#include <algorithm>
#include <limits>

namespace master {

namespace {

constexpr std::chrono::seconds kYoung(10);

int room_in(const Population& population) {
  if (population.limit == 0) return std::numeric_limits<int>::max();
  return population.limit - population.running - (population.solitary ? population.finishing : 0);
}

}  // namespace

int processes_to_start(const Population& population) {
  if (population.throttled || population.available > 0) return 0;
  const int wanted = population.running == 0 ? std::max(1, population.at_first_use) : 1;
  return std::clamp(room_in(population), 0, wanted);
}

bool is_at_limit(const Population& population) {
  return population.limit > 0 && population.running >= population.limit && population.available == 0;
}

bool asks_for_pause(const Ending& ending) {
  return ending.failed && !ending.completed_a_client && !ending.was_finishing && ending.age < kYoung;
}

}  // namespace master
