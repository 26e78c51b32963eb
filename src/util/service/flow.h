#pragma once
// The process's side of the token pipe.

namespace service::flow {

// Takes descriptors 3 and 4 into use when they are the pipe; until then put() and get() do nothing.
void connect();

}  // namespace service::flow
