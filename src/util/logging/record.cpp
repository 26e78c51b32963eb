#include "logging/record.h"

#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <ctime>

#include "base/text.h"
#include "logging/only_ascii.h"

namespace logging {

namespace {

constexpr std::size_t kLongestRendering = 64 * 1024;

bool only_ascii = false;  // NOLINT: one per process, as its log is

void append_value(std::string& to, const Field::Value& value) {
  if (const auto* text = std::get_if<std::string_view>(&value)) {
    to.append(cut(*text, kLongestRendering));
  } else if (const auto* number = std::get_if<long>(&value)) {
    fmt::format_to(std::back_inserter(to), "{}", *number);
  } else {
    fmt::format_to(std::back_inserter(to), "{}", std::get<double>(value));
  }
}

const Field* find(Fields fields, std::string_view name) {
  for (const Field& field : fields) {
    if (field.name == name) return &field;
  }
  return nullptr;
}

// Of a valid sequence of two or three bytes.
unsigned code_point(std::string_view sequence) {
  unsigned code = static_cast<unsigned char>(sequence[0]) & (sequence.size() == 2 ? 0x1Fu : 0x0Fu);
  for (const char c : sequence.substr(1)) code = code << 6 | (static_cast<unsigned char>(c) & 0x3Fu);
  return code;
}

// JSON must be UTF-8: a byte that is not part of it becomes U+FFFD, which no valid text loses anything by.
void append_json_string(std::string& to, std::string_view text) {
  to += '"';
  while (!text.empty()) {
    const char c = text.front();
    const auto byte = static_cast<unsigned char>(c);
    std::size_t taken = 1;
    if (c == '"' || c == '\\') {
      to += '\\';
      to += c;
    } else if (c == '\n') {
      to += "\\n";
    } else if (c == '\t') {
      to += "\\t";
    } else if (c == '\r') {
      to += "\\r";
    } else if (byte < 0x20 || byte == 0x7f) {
      fmt::format_to(std::back_inserter(to), "\\u{:04x}", byte);
    } else if (byte < 0x80) {
      to += c;
    } else {
      taken = 0;
      for (std::size_t length = 2; length <= 4 && length <= text.size() && taken == 0; ++length) {
        if (base::is_valid_utf8(text.substr(0, length))) taken = length;
      }
      const std::string_view sequence = text.substr(0, taken);
      if (taken == 0) {
        to += "\\ufffd";
        taken = 1;
      } else if (base::printable(sequence) == sequence) {
        to.append(sequence);
      } else {
        fmt::format_to(std::back_inserter(to), "\\u{:04x}", code_point(sequence));
      }
    }
    text.remove_prefix(taken);
  }
  to += '"';
}

void append_member(std::string& to, std::string_view name, std::string_view value) {
  append_json_string(to, name);
  to += ':';
  append_json_string(to, cut(value, kLongestText));
}

std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warning:
      return "warning";
    case Level::error:
      return "error";
    case Level::fatal:
      return "fatal";
    case Level::panic:
      return "panic";
  }
  return "";
}

std::string utc_now() {
  struct timeval now{};
  ::gettimeofday(&now, nullptr);
  struct tm parts{};
  ::gmtime_r(&now.tv_sec, &parts);
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", parts.tm_year + 1900, parts.tm_mon + 1,
                     parts.tm_mday, parts.tm_hour, parts.tm_min, parts.tm_sec, now.tv_usec);
}

}  // namespace

void log_only_ascii(bool wanted) {
  only_ascii = wanted;
}

std::string rendered(std::string_view text, Fields fields) {
  std::string result;
  result.reserve(text.size() + 64);
  while (!text.empty() && result.size() < kLongestRendering) {
    const auto open = std::min(text.find('{'), text.size());
    result.append(text.substr(0, open));
    text.remove_prefix(open);
    const auto close = text.find('}');
    if (close == std::string_view::npos) {
      result.append(text);
      break;
    }
    if (const Field* field = find(fields, text.substr(1, close - 1))) {
      append_value(result, field->value);
      text.remove_prefix(close + 1);
    } else {
      result += '{';
      text.remove_prefix(1);
    }
  }
  if (only_ascii) {
    std::ranges::replace_if(result, [](char c) { return !base::is_printable(c); }, '?');
  }
  return base::printable(cut(result, kLongestRendering));
}

std::string as_text(const Record& record) {
  std::string line(severity_prefix(record.level));
  line += record.text;
  return line;
}

std::string as_json(const Record& record, const Identity& identity) {
  std::string object = "{";
  append_member(object, "time", utc_now());
  object += ',';
  append_member(object, "level", level_name(record.level));
  object += ',';
  append_member(object, "host", identity.host);
  object += ',';
  append_member(object, "program", tag(identity));
  fmt::format_to(std::back_inserter(object), ",\"pid\":{},", ::getpid());
  append_member(object, "event", record.event);
  object += ',';
  append_member(object, "text", record.text);
  object += ",\"fields\":{";
  bool first = true;
  for (const Field& field : record.fields) {
    if (!std::exchange(first, false)) object += ',';
    const auto* number = std::get_if<double>(&field.value);
    if (const auto* text = std::get_if<std::string_view>(&field.value)) {
      append_member(object, field.name, *text);
    } else {
      append_json_string(object, field.name);
      object += ':';
      if (number != nullptr && !std::isfinite(*number)) {
        object += "null";
      } else {
        append_value(object, field.value);
      }
    }
  }
  object += "}}";
  return object;
}

std::string_view severity_prefix(Level level) {
  switch (level) {
    case Level::debug:
    case Level::info:
      return "";
    case Level::warning:
      return "warning: ";
    case Level::error:
      return "error: ";
    case Level::fatal:
      return "fatal: ";
    case Level::panic:
      return "panic: ";
  }
  return "";
}

std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  std::size_t end = limit;
  // Back over the continuation bytes of the character that straddles the limit; what is not UTF-8 is cut where it is.
  while (end > 0 && limit - end < 4 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, limit - end < 4 ? end : limit);
}

std::string tag(const Identity& identity) {
  if (identity.syslog_name.empty()) return identity.program;
  return identity.syslog_name + "/" + identity.program;
}

Identity completed(const Identity& identity) {
  Identity whole{base::printable(identity.program), base::printable(identity.syslog_name),
                 base::printable(identity.host)};
  if (whole.host.empty()) {
    char name[256] = "";
    if (::gethostname(name, sizeof name - 1) == 0) whole.host = base::printable(name);
  }
  whole.host.resize(std::min(whole.host.find('.'), whole.host.size()));
  if (whole.host.empty()) whole.host = "localhost";
  return whole;
}

}  // namespace logging
