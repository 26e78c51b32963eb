#include <map>

#include "base/error.h"
#include "base/text.h"
#include "postconf/pattern.h"
#include "postconf/show.h"
#include "postconf/values.h"

namespace postconf {

namespace {

std::string field_text(const ServiceEntry& entry, std::string_view field, bool fold, std::size_t column) {
  const config::ServiceLine& line = entry.line;
  if (field == "service") return line.name;
  if (field == "type") return line.type;
  if (field == "private") return line.private_field;
  if (field == "unprivileged") return line.unprivileged;
  if (field == "chroot") return line.chroot;
  if (field == "wakeup") return line.wakeup;
  if (field == "process_limit") return line.process_limit;
  return command_text(entry, fold, column);
}

std::string full_name(const ServiceEntry& entry, std::string_view member) {
  return fmt::format("{}/{}/{}", entry.line.name, entry.line.type, member);
}

class ServiceView {
 public:
  explicit ServiceView(const Request& request)
      : subject_(request.subject), form_{request.show_names, request.show_values, request.fold, request.json} {}

  // False when the entry has nothing of what is asked for.
  bool add(const ServiceEntry& entry, const ServicePattern& pattern) {
    const std::size_t before = out_.size();
    if (subject_ == Subject::services) {
      add_entry(entry);
    } else if (subject_ == Subject::service_fields) {
      for (const std::string_view field : kFieldNames) {
        if (pattern.has_member(field)) add_field(entry, field);
      }
    } else {
      add_parameters(entry, pattern);
    }
    return out_.size() > before;
  }

  std::string take() { return std::move(out_); }

 private:
  void add_entry(const ServiceEntry& entry) {
    if (!form_.json) {
      out_ += service_text(entry, form_.fold);
      return;
    }
    const config::ServiceLine& line = entry.line;
    out_ +=
        json_text(line.name + '/' + line.type,
                  fmt::format("{} {} {} {} {} {} {} {}", line.name, line.type, line.private_field, line.unprivileged,
                              line.chroot, line.wakeup, line.process_limit, command_text(entry, false, 0)));
  }

  // Unlike parameters' values, the words of a command keep the blanks in their braces.
  void add_field(const ServiceEntry& entry, std::string_view field) {
    const std::string name = full_name(entry, field);
    if (form_.json) {
      out_ += json_text(name, field_text(entry, field, false, 0));
    } else if (!form_.values) {
      out_.append(name).append(1, '\n');
    } else {
      const std::string start = form_.names ? name + " = " : std::string();
      out_.append(start).append(field_text(entry, field, form_.fold, start.size())).append(1, '\n');
    }
  }

  void add_parameters(const ServiceEntry& entry, const ServicePattern& pattern) {
    std::map<std::string, std::string> last;
    for (const config::Arguments::Option& option : entry.arguments.options) {
      if (!option.is_override) continue;
      if (auto setting = config::split_name_value(option.text)) last[setting->name] = setting->value;
    }
    for (const auto& [name, value] : last) {
      if (pattern.has_member(name)) out_ += setting_text(full_name(entry, name), value, form_);
    }
  }

  Subject subject_;
  Form form_;
  std::string out_;
};

ServicePattern require_pattern(const std::string& operand, Subject subject) {
  const auto pattern = parse_pattern(operand, subject == Subject::services ? 2 : 3);
  if (pattern) {
    if (subject == Subject::service_fields && pattern->member != kAny && !is_field_name(pattern->member)) {
      throw base::Fatal(fmt::format("invalid service attribute name: \"{}\"", base::printable(pattern->member)));
    }
    return *pattern;
  }
  if (subject == Subject::services) throw base::Fatal("-M option requires service_name[/type]");
  if (subject == Subject::service_fields) throw base::Fatal("-F option requires service_name[/type[/field]]");
  throw base::Fatal("-P option requires service_name[/type[/parameter]]");
}

}  // namespace

std::string show_services(const Request& request, const config::Config& config, std::vector<ServiceEntry> services,
                          const Warn& warn) {
  if (request.expand) {
    for (ServiceEntry& entry : services) expand_overrides(entry, config);
  }
  ServiceView view(request);
  if (request.operands.empty()) {
    const ServicePattern all{std::string(kAny), std::string(kAny), std::string(kAny)};
    for (const ServiceEntry& entry : services) view.add(entry, all);
    return view.take();
  }
  std::vector<ServicePattern> patterns;
  for (const std::string& operand : request.operands) patterns.push_back(require_pattern(operand, request.subject));
  std::vector<bool> matched(patterns.size());
  for (const ServiceEntry& entry : services) {
    for (std::size_t i = 0; i < patterns.size(); ++i) {
      if (patterns[i].matches(entry.line) && view.add(entry, patterns[i])) matched[i] = true;
    }
  }
  for (std::size_t i = 0; i < patterns.size(); ++i) {
    if (!matched[i])
      warn("postconf.unmatched", fmt::format("unmatched request: \"{}\"", base::printable(request.operands[i])));
  }
  return view.take();
}

}  // namespace postconf
