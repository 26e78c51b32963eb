// An answer may hold anything. The first byte chooses the type that was asked for, the rest is the message, whose id
// and question are made ours half of the time, so that the records behind them are reached.

#include <cstddef>
#include <cstdint>

#include "dns/message.h"
#include "dns/reply_filter.h"
#include "logging/log.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using dns::Type;
  constexpr Type kTypes[] = {Type::a,  Type::ns,  Type::cname, Type::soa, Type::ptr,
                             Type::mx, Type::txt, Type::aaaa,  Type::srv, Type::tlsa};
  if (size == 0) return 0;
  const logging::Capture quiet;  // bad names are warned of
  const Type type = kTypes[data[0] % std::size(kTypes)];
  std::string bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  if ((data[0] & 0x80) == 0) bytes = *dns::question("x.test", type, 1, false) + bytes;
  if (bytes.size() >= 12 && (data[0] & 0x40) == 0) bytes[2] = static_cast<char>(0x80);  // an answer
  if (bytes.size() >= 12 && (data[0] & 0x20) == 0) bytes[7] = 3;                        // with three records
  const auto reply = dns::read_reply(bytes, "x.test", type, 1, 100);
  if (!reply) return 0;
  if (reply->records.size() > 100 || reply->aliases > dns::kMostAliases) __builtin_trap();
  for (const dns::Record& record : reply->records) {
    if (record.type != type || !dns::same_name(record.owner, reply->end) || dns::text_of(record).empty())
      __builtin_trap();
  }
  return 0;
}
