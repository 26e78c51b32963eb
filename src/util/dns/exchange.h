#pragma once
// Inside the library: one question to the servers of resolv.conf, until one of them gives an answer that means
// something: UDP, with time-outs and retries; TCP where the answer was cut.

#include <optional>
#include <string_view>

#include "dns/message.h"
#include "dns/resolv_conf.h"

namespace dns {

// Nothing: nobody answered in time, or all who did have a problem. A reply says "fine" or "no such name". `first` is
// the server to begin with.
std::optional<Reply> exchange(const ResolvConf& conf, std::size_t first, std::string_view name, Type type,
                              std::size_t most_records, io::Deadline deadline);

}  // namespace dns
