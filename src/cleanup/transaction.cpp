#include "cleanup/transaction.h"

#include "logging/log.h"

namespace cleanup {

void Transaction::fail(int bits, std::string_view why) {
  status |= bits;
  if (reason.empty()) reason = why;
}

void Transaction::reject_bad(std::string_view why) {
  fail(client::cleanup_status::kBad);
  logging::warning("cleanup.rejected", "{id}: message rejected: {reason}", {{"id", id}, {"reason", why}});
}

void Transaction::warn(std::string_view text) const {
  logging::warning("cleanup.problem", "{id}: {text}", {{"id", id}, {"text", text}});
}

}  // namespace cleanup
