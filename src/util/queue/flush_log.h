#pragma once
// flush/<site>: the ids of messages that wait for a destination (fast_flush_domains).

#include <ctime>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "queue/id.h"
#include "queue/spool.h"

namespace queue {

// relay.example -> relay_example; internationalised names in their ASCII form. Nothing for what is no domain.
std::optional<std::string> flush_log_name(std::string_view site);

disk::Result<void> append_flush(const Spool& spool, const std::string& log_name, const Id& id);
// Reads the ids, each once and at most `most`, and empties the log under its lock.
disk::Result<std::vector<Id>> take_flush(const Spool& spool, const std::string& log_name, std::size_t most = 100000);

}  // namespace queue
