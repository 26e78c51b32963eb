#pragma once
// master.cf: one service a logical line, eight fields.

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

// The fields as written, `-` for the defaults; what postconf -M prints.
struct ServiceLine {
  std::string name;
  std::string type;
  std::string private_field;
  std::string unprivileged;
  std::string chroot;
  std::string wakeup;
  std::string process_limit;
  std::vector<std::string> command;  // program and arguments; a { group } is one argument and keeps its braces here
  Origin where;
};

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
  std::vector<std::string> arguments;   // without -o options; braces removed
  std::vector<NameValue> overrides;     // of the -o options, in order, values not expanded
  Origin where;
};

struct MasterCf {
  std::vector<ServiceLine> lines;  // in file order; a later line of the same name and type replaces the earlier one in place
  std::vector<Remark> remarks;
};

// A missing file is an error only when must_exist. Errors name file and line: fewer than eight fields, an unknown type, ...
std::expected<MasterCf, base::Error> read_master_cf(const std::string& path, bool must_exist = true);
std::expected<MasterCf, base::Error> parse_master_cf(std::string_view text, const std::string& name_for_messages);

// The typed form; the error names file and line, the field, its value and what is allowed.
struct ServiceDefaults {
  int process_limit;   // default_process_limit
  bool chroot;         // y below compatibility level 1
};
std::expected<Service, base::Error> interpret(const ServiceLine& line, const ServiceDefaults& defaults);

}  // namespace config
