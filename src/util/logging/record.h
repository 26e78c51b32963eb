#pragma once
// One event as text and as JSON.

#include <string>
#include <string_view>

#include "logging/log.h"

namespace logging {

// What syslog and log files take of one event's text, as in Postfix.
constexpr std::size_t kLongestText = 2000;

struct Record {
  Level level;
  std::string_view event;
  std::string text;  // as rendered() made it
  Fields fields;
};

// The text with its `{name}`s replaced by the fields of these names; braces around anything else stay as they are. The
// result is one line of printable UTF-8, at most 64 KiB long.
std::string rendered(std::string_view text, Fields fields);

// "warning: text"
std::string as_text(const Record& record);

// {"time":...,"level":...,"host":...,"program":...,"pid":...,"event":...,"text":...,"fields":{...}}; text and field
// values are cut at kLongestText bytes.
std::string as_json(const Record& record, const Identity& identity);

// The words that stand before a text: "warning: "; empty for info and debug.
std::string_view severity_prefix(Level level);

// At most `limit` bytes of text, without half a UTF-8 character at the end.
std::string_view cut(std::string_view text, std::size_t limit);

// "postfix/smtpd"
std::string tag(const Identity& identity);

// With the host's own name where there is none, and all names fit for a log line.
Identity completed(const Identity& identity);

}  // namespace logging
