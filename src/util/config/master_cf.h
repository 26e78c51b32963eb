#pragma once
// master.cf: one service a logical line, eight fields.
//
// Three views of a line: the fields as written (ServiceLine), its command's words as the daemon gets them (Arguments),
// and what master makes of it all (Service). postconf shows and edits the first two, master uses the third.

#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/main_cf.h"
#include "config/origin.h"

namespace config {

enum class ServiceType { inet, unix_stream, unix_datagram, fifo, pass };
std::string_view name_of(ServiceType type);  // "inet", "unix", "unix-dgram", "fifo", "pass"
std::optional<ServiceType> service_type(std::string_view name);

// The fields as written, `-` for the defaults; what postconf -M prints.
struct ServiceLine {
  std::string name;
  std::string type;
  std::string private_field;
  std::string unprivileged;
  std::string chroot;
  std::string wakeup;
  std::string process_limit;
  std::vector<std::string> command;  // program and arguments; a { group } is one word and keeps its braces here
  Origin where;

  std::string text() const;  // the words with one blank between them
};

struct MasterCf {
  std::vector<ServiceLine> lines;  // all of them, in file order
  std::vector<Remark> remarks;
};

// A missing file is an error only when must_exist. Errors name file and line: fewer than eight fields, an unknown type,
// ...
std::expected<MasterCf, base::Error> read_master_cf(const std::string& path, bool must_exist = true);
std::expected<MasterCf, base::Error> parse_master_cf(std::string_view text, const std::string& name_for_messages);

// One logical line. The error is without file and line: bad field count; invalid type field "x" ...
std::expected<ServiceLine, base::Error> parse_service_line(std::string_view text);

// What is wrong with a field's text, for all but the name and the command: invalid wakeup field "x"; specify ...
// Field names are postconf's: type, private, unprivileged, chroot, wakeup, process_limit.
std::expected<void, base::Error> check_field(std::string_view field, std::string_view text);

// The lines that count: of several with the same name and type the last one, at the place of the first. What they
// replace is told in remarks.
std::vector<const ServiceLine*> effective_lines(const MasterCf& file, std::vector<Remark>& remarks);

// Words separated by blanks; a blank between { and its } does not separate, wherever in a word the braces stand.
std::vector<std::string_view> split_words(std::string_view text);

// A word as the daemon gets it: `{ two words }` without its braces and the blanks inside them.
struct Unwrapped {
  std::string text;
  std::string problem;  // missing '}' in "{a"; syntax error after '}' in "{a}b"; empty when there is none
};
Unwrapped unwrap(std::string_view word);

// The reverse: braces only where they are needed to keep the word one, and the same.
std::string wrap(std::string_view text);

// The command's words after the program, as the daemon's getopt takes them apart.
struct Arguments {
  struct Option {
    std::string text;  // "-v"; "name=value" when is_override
    bool is_override = false;
  };
  std::vector<Option> options;        // up to the first word that is none
  std::vector<std::string> others;    // unwrapped
  std::vector<std::string> problems;  // clauses without a place
};
Arguments arguments_of(const ServiceLine& line);

// What master makes of a line.
struct Service {
  std::string name;
  ServiceType type;
  bool is_private;
  bool unprivileged;
  bool chroot;
  int wakeup;                // seconds, 0 for never
  bool wakeup_only_if_used;  // the `?`
  int process_limit;         // 0 for no limit
  std::string program;
  std::vector<std::string> arguments;  // without -o options; braces removed
  std::vector<NameValue> overrides;    // of the -o options, in order, values not expanded
  Origin where;
};

// The typed form; the error names file and line, the field, its value and what is allowed.
struct ServiceDefaults {
  int process_limit;  // default_process_limit
  bool chroot;        // y below compatibility level 1
};
std::expected<Service, base::Error> interpret(const ServiceLine& line, const ServiceDefaults& defaults);

}  // namespace config
