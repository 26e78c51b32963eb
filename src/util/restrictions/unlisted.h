#pragma once
// Inside the library: addresses of ours that nobody has.

#include "restrictions/evaluation.h"

namespace restrictions {

// Once for each recipient and sender, however many lists ask for it. The null address is nobody's, and fine.
Outcome reject_unlisted_sender(Evaluation& evaluation);
Outcome reject_unlisted_recipient(Evaluation& evaluation);

}  // namespace restrictions
