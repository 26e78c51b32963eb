// reject_unverified_*: the place of address verification.

#include "restrictions/restriction.h"

namespace restrictions {

namespace {

std::unique_ptr<Restriction> make_unavailable(const Environment&, std::string_view) {
  throw Mistake("needs address verification, which is not available in this version");
}

}  // namespace

std::span<const Name> verification_names() {
  static constexpr Name kNames[] = {
      {"reject_unverified_sender", Argument::none, make_unavailable},
      {"reject_unverified_address", Argument::none, make_unavailable},
      {"reject_unverified_recipient", Argument::none, make_unavailable},
  };
  return kNames;
}

}  // namespace restrictions
