#pragma once
// The process's end of the log pipe.

namespace service {

// The descriptor that this variable names, if it is the end of a pipe with this access mode (O_RDONLY, O_WRONLY); -1
// for none. It is not passed on to other programs any more, and nor is the variable.
int take_log_pipe(const char* variable, int access_mode);

}  // namespace service
