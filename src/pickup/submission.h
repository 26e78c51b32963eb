#pragma once
// A maildrop file as the stream of records that cleanup gets. A pure transformation but for reading the file.

#include <ctime>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "pickup/maildrop_file.h"
#include "queue/record.h"

namespace pickup {

struct SubmissionSettings {
  std::string content_filter;
  std::string myhostname;
  std::string mail_name;
  std::size_t line_length_limit = 2048;
  bool external_addresses = true;
};

// What the file's envelope told, once it has been read.
struct Submitter {
  std::string sender;
  bool has_sender = false;
};

using Append = std::function<void(queue::RecordType, std::string_view)>;
using EndOfEnvelope = std::function<void(const Submitter&)>;

// Hands on all records up to and with E. `queue_id` is the message's in the queue, for its Received header; `date` what
// is said there; `now` is the arrival of a file that does not tell its own. The error: the file is damaged, or holds
// what may not stand there.
std::expected<void, base::Error> copy_submission(const MaildropFile& file, const SubmissionSettings& settings,
                                                 std::string_view queue_id, std::time_t date, std::time_t now,
                                                 const Append& append, const EndOfEnvelope& end_of_envelope);

// What the Received header says: files from the future count as of now, with a remark, as do very old ones get one.
struct Dated {
  std::time_t time;
  std::string remark;  // empty: nothing strange
};
Dated date_of(std::time_t file_time, std::time_t now);

}  // namespace pickup
