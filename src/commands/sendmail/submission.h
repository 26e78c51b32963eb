#pragma once
// The way of a message's records into maildrop.

#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "queue/record.h"

namespace sendmail {

class Submission {
 public:
  virtual ~Submission() = default;  // without commit: the message is given up

  // Both throw base::Fatal: "<who>: message file too big".
  virtual void put(queue::RecordType type, std::string_view data) = 0;
  // From here on the mail is ours.
  virtual void commit() = 0;
};

// Throws base::Fatal when this caller may not submit mail at all. To be asked before anything is read.
void require_submitter(const config::Config& config);

// Writes the file itself where this process may, and nobody has restricted who may submit or as whom; asks the set-gid
// postdrop else. `who` begins each error. The working directory is the queue directory.
std::unique_ptr<Submission> begin_submission(const config::Config& config, const std::string& who);

}  // namespace sendmail
