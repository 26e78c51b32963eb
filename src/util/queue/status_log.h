#pragma once
// bounce/<id>, defer/<id>, trace/<id>: what became of each recipient, for notices and for mailq. Text in Postfix's
// form.

#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "queue/spool.h"

namespace queue {

// One recipient's fate, as the logs keep it.
struct StatusEntry {
  std::string recipient;  // internal form; empty for the null address
  std::string original_recipient;
  std::string dsn_original;
  int notify = 0;
  std::int64_t offset = 0;
  std::string status;           // 5.1.1
  std::string action;           // failed delayed delivered relayed expanded deliverable undeliverable
  std::string diagnostic_type;  // smtp, and
  std::string diagnostic_text;  // the remote reply; both or neither
  std::string mta_type;         // dns, and
  std::string mta_name;
  std::string reason;
};

enum class Durable { yes, no };

// Appends under a lock and takes the entry back when writing fails. Bounce logs are durable before a recipient may be
// marked done; a defer log's loss costs nothing but the text in mailq, so it is not fsync'ed. Several entries are one
// write. `compatible` adds the old form's line (backwards_bounce_logfile_compatibility). Run as mail_owner.
disk::Result<void> append_status(const Spool& spool, Folder log, const Id& id, const std::vector<StatusEntry>& entries,
                                 Durable durable, bool compatible);

// All that can be understood of the file; nothing when there is no such file. Unknown names are skipped; what is
// missing is filled in as formats say ("(recipient address unavailable)", ...).
std::expected<std::optional<std::vector<StatusEntry>>, base::Error> read_status(const Spool& spool, Folder log,
                                                                                const Id& id);
std::vector<StatusEntry> parse_status(std::string_view content, Folder log);

}  // namespace queue
