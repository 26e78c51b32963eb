#pragma once
// The contract between master and its children: descriptors, environment, the status message. Postfix's own, but for
// the log pipe.

#include <cstdint>

namespace service {

constexpr int kFlowRead = 3;
constexpr int kFlowWrite = 4;
// Tokens at the start: messages that cleanup may be ahead of qmgr by before in_flow_delay slows it down. A burst, or as
// many clients as a busy server has, should not meet it.
constexpr int kFlowCredit = 1000;
// A stream socket to master, one for each process. The process writes StatusMessages to it. What comes the other way:
//   end of file   master is gone. No further client; those there are are completed.
//   kFinish       the configuration is another now, or the service is no more: the process closes its listening
//                 descriptors at once (the port may be wanted for something else), completes the clients that it has,
//                 and exits with 0. Its successor may be running already. It may write StatusMessages still; they are
//                 not heeded.
//   kStress, kCalm  all processes of the service are busy, or have room again for a while: only to programs that are
//                 told at their start, too (-o stress=yes, -o stress=). They go on.
//                 Any other byte means the same as kFinish: a daemon of the older contract, which takes anything
//                 readable here for the end of master, does the right thing, too.
// Without a client, both mean: exit now. SIGTERM, to the process group, means: stop now, whatever is under way.
constexpr int kStatus = 5;
constexpr int kFirstListen = 6;

// Where there is a maillog_file: the number of the descriptor, beyond the listening ones, by which the process's log
// lines reach postlogd (see logging/line_pipe.h). postlogd has the other end instead. Master keeps both for as long as
// it lives, so that no line depends on the life of another process. The process takes the variable out of its
// environment and closes the descriptor on exec; programs that know nothing of either log as if there were none.
constexpr const char* kLogPipeVariable = "POSTRIDER_LOG_PIPE";
constexpr const char* kLogReadVariable = "POSTRIDER_LOG_READ";

constexpr std::int32_t kTaken = 0;      // no further client fits
constexpr std::int32_t kAvailable = 1;  // at least one does
constexpr char kFinish = 'F';
constexpr char kStress = 'S';
constexpr char kCalm = 's';

struct StatusMessage {
  std::int32_t pid;
  std::uint32_t generation;  // $GENERATION, which is in octal there: the number of this start since master's own
  std::int32_t state;
};
static_assert(sizeof(StatusMessage) == 12);

}  // namespace service
