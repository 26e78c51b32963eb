#include "smtpd/transaction.h"

#include "smtpd/content.h"

namespace smtpd {

Transaction::Transaction() = default;
Transaction::Transaction(Transaction&&) noexcept = default;
// The content writes to the message: it goes first.
Transaction& Transaction::operator=(Transaction&& other) noexcept = default;
Transaction::~Transaction() = default;

}  // namespace smtpd
