#pragma once
// Telling the queue manager.

#include <expected>
#include <string>
#include <vector>

#include "base/error.h"
#include "io/wait.h"
#include "ipc/channel.h"
#include "queue/id.h"

namespace client {

// These messages lie ready in incoming. Said on public/qmgr, after the commit; no reply. When it does not get through
// nothing is lost: qmgr scans incoming at its start and every now and then.
struct Arrived {
  static constexpr ipc::Kind kind = ipc::Kind::arrived;
  std::vector<std::string> queue_ids;
  static void fields(auto& self, auto&& visit) { visit(self.queue_ids); }
};

// "Give me so many spare files" (queue/spare.h), on a connection of its own, which stands for the process: when it
// ends, what was given and is not being written to is waste. The answer comes within a few seconds and may be empty.
struct SparesWanted {
  static constexpr ipc::Kind kind = ipc::Kind::spares_wanted;
  std::uint32_t count = 0;
  static void fields(auto& self, auto&& visit) { visit(self.count); }
};
struct Spares {
  static constexpr ipc::Kind kind = ipc::Kind::spares;
  std::vector<std::string> names;
  static void fields(auto& self, auto&& visit) { visit(self.names); }
};

class QmgrClient {
 public:
  explicit QmgrClient(std::string path = "public/qmgr") : path_(std::move(path)) {}
  void arrived(const queue::Id& id);  // keeps its connection; never throws, never waits long

 private:
  std::string path_;
  std::unique_ptr<ipc::Channel> channel_;
};

// The request letters of public/qmgr.
namespace qmgr_request {
constexpr char kWakeUp = 'W';
constexpr char kScanIncoming = 'I';
constexpr char kScanDeferred = 'D';
constexpr char kForgetDead = 'F';  // destinations and transports
constexpr char kIgnoreTimes = 'A';
}  // namespace qmgr_request

}  // namespace client
