#pragma once
// One event, told once: to syslog, a file, standard error or standard output, as the text that Postfix's users grep for
// or as a line of JSON. The caller names the event and its fields; `{name}` in the text stands for a field.
//
//   logging::warning("table.duplicate_key", "{table}: duplicate entry: \"{key}\"", {{"table", path}, {"key", key}});
//
// Field values may come from anywhere: what is not printable is escaped before it reaches a destination.

#include <concepts>
#include <expected>
#include <initializer_list>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"

namespace logging {

enum class Level { debug, info, warning, error, fatal, panic };

struct Field {
  using Value = std::variant<std::string_view, long, double>;
  std::string_view name;
  Value value;

  Field(std::string_view field_name, std::string_view text) : name(field_name), value(text) {}
  Field(std::string_view field_name, const std::string& text) : name(field_name), value(std::string_view(text)) {}
  Field(std::string_view field_name, const char* text) : name(field_name), value(std::string_view(text)) {}
  Field(std::string_view field_name, std::integral auto number) : name(field_name), value(static_cast<long>(number)) {}
  Field(std::string_view field_name, double number) : name(field_name), value(number) {}
};

using Fields = std::initializer_list<Field>;

// Never fails and never throws: an event that no destination takes is dropped.
void write(Level level, std::string_view event, std::string_view text, Fields fields = {}) noexcept;

inline void info(std::string_view event, std::string_view text, Fields fields = {}) noexcept {
  write(Level::info, event, text, fields);
}
inline void warning(std::string_view event, std::string_view text, Fields fields = {}) noexcept {
  write(Level::warning, event, text, fields);
}
inline void error(std::string_view event, std::string_view text, Fields fields = {}) noexcept {
  write(Level::error, event, text, fields);
}
// Only tells; ending the process is the caller's next step.
inline void fatal(std::string_view event, std::string_view text, Fields fields = {}) noexcept {
  write(Level::fatal, event, text, fields);
}
void debug(std::string_view event, std::string_view text, Fields fields = {}) noexcept;  // only at verbosity() > 0

int verbosity();
void set_verbosity(int level);  // the number of -v options

// --- destinations, set once at start-up and again when the configuration is known
// -------------------------------------------

struct Identity {
  std::string program;      // "postmap", "smtpd"
  std::string syslog_name;  // "postfix", "postfix/submission"; the tag is <syslog_name>/<program>[<pid>]
  std::string host;         // first label of myhostname, for files and JSON
};

enum class Form { text, json };

class Destination {
 public:
  virtual ~Destination() = default;
  // `record` is one event, rendered, without a newline: for text "warning: x", for json the whole object.
  virtual void put(Level level, std::string_view record, const Identity& identity) noexcept = 0;
  // A whole line, with its newline, of a process that is about to end for want of memory. Takes none.
  virtual void put_last_words(std::string_view line) noexcept { (void)line; }
};

// The events of this process go to each destination of the list. Until the first call they go to standard error, in the
// form "<program>: <text>", which is also what commands keep for their users.
struct Setup {
  Identity identity;
  bool standard_error = true;                // "postmap: warning: ..."
  Level standard_error_from = Level::debug;  // what is less is not told there
  bool syslog = false;                       // with the facility below
  int syslog_facility = 0;                   // 0 means LOG_MAIL
  std::string syslog_socket = "/dev/log";
  std::string file;                 // maillog_file, or "/dev/stdout"; empty for none
  std::string postlog_socket = {};  // where postlogd takes records for the file; empty: this program writes it itself
  int postlog_pipe = -1;            // to postlogd, for what fits into it; stays the caller's
  unsigned file_mode = 0600;        // maillog_file_permissions
  Form file_form = Form::text;
};
// The error is of the file, which is then left out; everything else is in use.
std::expected<void, base::Error> open(const Setup& setup);
const Identity& identity();

// For tests: events are handed over instead of written, until the object ends.
class Capture {
 public:
  struct Event {
    Level level;
    std::string name;
    std::string text;  // rendered, without the "warning: " prefix
  };
  Capture();
  ~Capture();
  const std::vector<Event>& events() const;
  bool contains(std::string_view text) const;  // in any event's text

 private:
  Capture* outer_;
  std::vector<Event> events_;
  friend void write(Level, std::string_view, std::string_view, Fields) noexcept;
};

}  // namespace logging
