#pragma once
// Symbolic links on the way to a file that several may put there.

#include <string>

namespace base {

// Whether the path is a symbolic link that nobody but root can have put there: one that may be followed.
bool is_roots_link(const std::string& path);

}  // namespace base
