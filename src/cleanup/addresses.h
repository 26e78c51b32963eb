#pragma once
// What becomes of an address on its way into the queue: completed, mapped by the canonical tables, masqueraded.

#include <expected>
#include <string>
#include <string_view>

#include "cleanup/transaction.h"
#include "mail/header.h"

namespace cleanup {

// Internal forms. A table that cannot answer: the transaction gets status WRITE, and the address comes back as far as
// it was.
std::string envelope_sender(Transaction& message, std::string_view address);
std::string envelope_recipient(Transaction& message, std::string_view address);

// External form, for a header of this class; with the completion that the message's context asks for.
std::string header_address(Transaction& message, mail::AddressClass header_class, std::string_view external);

}  // namespace cleanup
