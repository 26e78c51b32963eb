#pragma once
// Handing a message to cleanup: begin, records, end; the answer says whether it is safely ours.

#include <memory>
#include <string>
#include <string_view>

#include "io/wait.h"
#include "ipc/channel.h"
#include "queue/id.h"
#include "queue/record.h"

namespace client {

// What the caller asks of cleanup, and what came of it: Postfix's bits.
namespace cleanup_flag {
constexpr int kBounce = 1;  // cleanup returns bad mail itself
constexpr int kFilter = 2;  // header and body checks
constexpr int kHold = 4;
constexpr int kDiscard = 8;
constexpr int kBccOk = 16;  // automatic BCC recipients may be added
constexpr int kMapOk = 32;  // canonical, virtual, masquerading
constexpr int kMilter = 64;
constexpr int kSmtpReply = 128;
constexpr int kSmtpUtf8 = 256;
constexpr int kAutoUtf8 = 512;
}  // namespace cleanup_flag
// smtputf8_autodetect_classes: whether mail from this source ("sendmail", "smtpd", ...) is looked at. base::Fatal for a
// word that names no source.
bool detects_utf8(std::string_view classes, std::string_view source);
namespace cleanup_status {
constexpr int kOk = 0;
constexpr int kBad = 1;
constexpr int kWrite = 2;
constexpr int kSize = 4;
constexpr int kContent = 8;
constexpr int kHops = 16;
constexpr int kNoRecipients = 64;
constexpr int kProxy = 128;
constexpr int kDefer = 256;
constexpr int kNoPermission = 512;
constexpr int kBareLf = 65536;
// The first of the bits that decides, as an SMTP code, an enhanced code and a text.
struct Meaning {
  int smtp_code;
  std::string_view enhanced_code;
  std::string_view text;
};
Meaning meaning_of(int status);
}  // namespace cleanup_status

struct CleanupBegin {
  static constexpr ipc::Kind kind = ipc::Kind::cleanup_begin;
  int flags = 0;
  static void fields(auto& self, auto&& visit) { visit(self.flags); }
};
struct CleanupStarted {
  static constexpr ipc::Kind kind = ipc::Kind::cleanup_started;
  std::string queue_id;  // empty: no queue file could be made, `reason` tells why; the conversation goes no further
  std::string reason;
  static void fields(auto& self, auto&& visit) { visit(self.queue_id, self.reason); }
};
// Whole records in queue file form; the one that holds E is the last of the message.
struct CleanupRecords {
  static constexpr ipc::Kind kind = ipc::Kind::cleanup_records;
  std::string records;
  static void fields(auto& self, auto&& visit) { visit(self.records); }
};
struct CleanupResult {
  static constexpr ipc::Kind kind = ipc::Kind::cleanup_result;
  int status = 0;
  std::string reason;  // what to tell the client; may be empty
  static void fields(auto& self, auto&& visit) { visit(self.status, self.reason); }
};

class CleanupClient {
 public:
  // Connections are kept in the pool, which must outlive the client. Throws io::StreamError when cleanup cannot be
  // reached, and when it cannot make a queue file.
  CleanupClient(ipc::Pool& pool, const std::string& socket_path, int flags, io::Deadline deadline);
  ~CleanupClient();  // without finish(): the message is dropped
  CleanupClient(CleanupClient&&) noexcept = default;

  const queue::Id& id() const { return *id_; }
  void set_deadline(io::Deadline deadline) { channel_->set_deadline(deadline); }

  void append(queue::RecordType type, std::string_view data);  // sent in large frames
  CleanupResult finish();                                      // appends E first
  CleanupResult finish_without_end();                          // E was appended by the caller

 private:
  void send_gathered();
  ipc::Pool* pool_;
  std::string path_;
  std::unique_ptr<ipc::Channel> channel_;
  std::optional<queue::Id> id_;
  std::string gathered_;
};

}  // namespace client
