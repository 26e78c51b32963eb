#pragma once
// The highest counts since the last time they were told, for the statistics in the log.

#include <array>
#include <cstddef>
#include <ctime>
#include <string>
#include <string_view>
#include <vector>

namespace anvil {

enum class Peak { connection_rate, connection_count, message_rate, recipient_rate, new_tls_rate, auth_rate };

class Peaks {
 public:
  void note(Peak kind, int value, std::string_view range);
  void note_size(std::size_t size);

  // Tells all that there is and begins anew. `time_unit` in seconds.
  void log(long time_unit);

 private:
  struct Highest {
    int value = 0;
    std::string range;
    std::time_t when = 0;
  };
  std::array<Highest, 6> highest_;
  std::size_t size_ = 0;
  std::time_t size_when_ = 0;
};

}  // namespace anvil
