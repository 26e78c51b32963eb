#pragma once
// A process's end of its link to master.

#include <cstdint>

#include "service/master_link.h"

namespace service {

class Link {
 public:
  // The inherited status descriptor; -1 for none, and then nothing is told to anyone.
  Link(int fd, std::uint32_t generation) : fd_(fd), generation_(generation) {}

  void tell(std::int32_t state);  // only changes are sent; never waits
  void tell_of_success();         // once: a client has been served. Master then takes a death for no bad start
  enum class Word { master_is_gone, told_to_finish, stress, calm };
  Word next_word();  // waits for it, in a fiber

 private:
  void send(std::int32_t state);

  int fd_;
  std::uint32_t generation_;
  std::int32_t told_ = kAvailable;
  bool succeeded_ = false;
};

// $GENERATION; 0 when there is none that can be understood.
std::uint32_t generation_from_environment();

}  // namespace service
