#pragma once
// Whose trouble it is when a client is refused.

#include "restrictions/reply.h"

namespace smtpd {

// The classes of trouble, as notify_classes names them.
enum class Fault : unsigned { none = 0, policy = 1, protocol = 2, resource = 4, software = 8, bounce = 16, data = 32 };

Fault fault_of(restrictions::Trouble trouble);

class Faults {
 public:
  bool has(Fault one) const { return (bits_ & static_cast<unsigned>(one)) != 0; }
  void add(Fault one) { bits_ |= static_cast<unsigned>(one); }
  bool any() const { return bits_ != 0; }
  bool any_of(Faults others) const { return (bits_ & others.bits_) != 0; }
  void clear() { bits_ = 0; }

 private:
  unsigned bits_ = 0;
};

}  // namespace smtpd
