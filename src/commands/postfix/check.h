#pragma once
// What `postfix check` looks at, and `postfix start` before it starts.

#include "postfix/installation.h"

namespace postfix {

// Only what makes it pointless to start at all: accounts and directories. The master looks at the rest itself.
bool is_fit_to_start(const Installation& installation);

// Everything. Tells all it finds.
Tally check(const Installation& installation);

// Owners, modes, tables: warnings of what `check` would call errors, for none of it would cost mail.
void look_over(const Installation& installation);

// The part of it that is about settings, for a reload: told, for the mail system serves on all the same.
void look_over_settings(const Installation& installation);

// Whether any message is in these queue directories, so that it is worth asking postsuper.
bool has_messages(const Installation& installation, const std::vector<std::string>& queues);

}  // namespace postfix
