#pragma once
// What a queue file says about its message. Reading is bounded and never trusts the file: what cannot be understood is
// a BadRecord, after which the file belongs in corrupt/.

#include <cstdint>
#include <ctime>
#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/fd.h"
#include "disk/disk.h"
#include "queue/id.h"
#include "queue/record.h"

namespace queue {

// The size record: six numbers, 15 columns each.
struct Sizes {
  std::int64_t message = 0;      // bytes of the content segment with its records: what mailq shows
  std::int64_t data_offset = 0;  // of the first byte after the M record
  std::int64_t recipients = 0;
  int hints = 0;             // bit 0 mixed; bits 1.. DSN notify flags of all recipients
  std::int64_t content = 0;  // message, unless the content was edited
  int smtputf8 = 0;          // bits 0 requested, 1 header, 2 sender

  std::string text() const;                                  // 95 bytes
  static std::optional<Sizes> parse(std::string_view text);  // three numbers or more; negative ones are damage
};
namespace smtputf8 {
constexpr int kRequested = 1;
constexpr int kHeader = 2;
constexpr int kSender = 4;
constexpr int kRecipient = 8;
}  // namespace smtputf8

// DSN notify flags, of a recipient.
namespace notify {
constexpr int kNever = 1;
constexpr int kSuccess = 2;
constexpr int kFailure = 4;
constexpr int kDelay = 8;
}  // namespace notify
// DSN return flags, of a message.
namespace dsn_return {
constexpr int kFull = 1;
constexpr int kHeaders = 2;
}  // namespace dsn_return
namespace trace {
constexpr int kMtaVerify = 256;
constexpr int kUserVerify = 512;      // sendmail -bv
constexpr int kRecord = 1024;         // sendmail -v
constexpr int kReportDelayed = 8192;  // delivered after a delay warning
}  // namespace trace

// Named attributes of ours, whose value is "yes". Postfix's programs carry them along and look at none.
namespace attribute {
constexpr std::string_view kRequireTls = "postrider_requiretls";  // REQUIRETLS: of MAIL, or sendmail -O requiretls=yes
constexpr std::string_view kSmtpUtf8 = "postrider_smtputf8";      // sendmail -O smtputf8=yes, for cleanup
constexpr std::string_view kYes = "yes";
}  // namespace attribute

// Where a message came from: what travels with it to the log and to the next hop.
struct Client {
  std::string name;
  std::string address;
  std::string port;
  std::string protocol;
  std::string helo;
  std::string sasl_method;
  std::string sasl_username;
  std::string sasl_sender;
  std::string log_ident;
  std::string rewrite_context;
};

struct Recipient {
  std::string address;       // internal form, as rewritten
  std::string original;      // before rewriting; empty when the file has none
  std::string dsn_original;  // "rfc822;addr"
  int notify = 0;
  std::int64_t offset = 0;  // of its R record
};

struct Envelope {
  Sizes sizes;
  TimeStamp arrival;
  std::time_t create_time = 0;
  std::string sender;
  std::string full_name;
  std::string encoding;  // 7bit, 8bit or empty
  std::string envelope_id;
  int return_flags = 0;
  int trace_flags = 0;
  std::int64_t trace_flags_offset = 0;  // of its record, to be killed once the report is sent; 0 for none
  std::string verp_delimiters;
  std::string filter;  // content_filter in force
  std::string redirect;
  std::optional<std::time_t> warning_time;  // of the delay warning; absent when none was asked for, -1 when it was sent
  std::int64_t warning_offset = 0;          // of its data
  bool require_tls = false;
  Client log_client;                              // log_client_* and sasl_*
  std::map<std::string, std::string> attributes;  // all named attributes of the message, not those of recipients
};

// A file that is open for reading. Locks and modes are the caller's business.
class MessageFile {
 public:
  MessageFile(base::Fd fd, std::string name);

  // The envelope, extracted segment included; recipients are left out. The message must have its end. Most messages
  // cost one read of 4 KiB, and so do their recipients when read_recipients(0) follows at once.
  std::expected<Envelope, BadRecord> read_envelope();

  // Recipients that are still to do, from this file offset on, at most `most`. At the end `next` is 0. The first call
  // starts at 0. Each later one sees the file as it is then.
  struct Batch {
    std::vector<Recipient> recipients;
    std::int64_t next;
  };
  std::expected<Batch, BadRecord> read_recipients(std::int64_t from, std::size_t most);

  // A reader that stands at the first record of the content, which ends with an X record.
  std::expected<RecordReader, BadRecord> content();

  int fd() const { return fd_.get(); }
  const std::string& name() const { return name_; }

 private:
  std::expected<void, BadRecord> read_sizes();
  std::expected<void, BadRecord> skip_content();
  BadRecord bad(std::string_view what) const;
  BadRecord unexpected_type(const Record& record) const;

  base::Fd fd_;
  std::string name_;
  RecordReader reader_;
  bool sizes_known_ = false;
  std::optional<Sizes> sizes_;  // maildrop files have none
  bool fresh_ = false;          // the envelope was read just now
  std::uint64_t recipients_read_ = 0;
};

// One-byte and in-place changes, through the disk layer: R becomes D at each offset; W becomes -1; the trace_flags
// attribute becomes K. fd must be open for writing. No fsync: the file's own state is at worst one step old.
disk::Result<void> mark_done(disk::Disk& disk, int fd, std::int64_t recipient_offset);
disk::Result<void> mark_warned(disk::Disk& disk, int fd, std::int64_t warning_offset);
disk::Result<void> kill_trace_flags(disk::Disk& disk, int fd, std::int64_t offset);

}  // namespace queue
