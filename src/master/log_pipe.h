#pragma once
// Both ends of the pipe by which the lines of master's children reach postlogd (see logging/line_pipe.h), for as long
// as master lives.

#include <expected>

#include "base/error.h"
#include "base/fd.h"
#include "logging/log.h"

namespace master {

class LogPipe {
 public:
  std::expected<void, base::Error> make();  // unless it has been
  bool is_there() const { return writing_.get() >= 0; }
  int reading() const { return reading_.get(); }
  int writing() const { return writing_.get(); }

  // Puts what is in it where postlogd would, in its place: no process may be reading it. Never waits for writers.
  // False: there is no log file now, and all of it has stayed.
  bool write_out(const logging::Setup& log) const;

 private:
  base::Fd reading_;
  base::Fd writing_;
};

}  // namespace master
