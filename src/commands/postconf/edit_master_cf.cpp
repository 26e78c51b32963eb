#include "postconf/edit_master_cf.h"

#include <set>

#include "base/error.h"
#include "base/text.h"
#include "postconf/edit_file.h"

namespace postconf {

namespace {

bool has_blank(std::string_view text) {
  return std::ranges::any_of(text, base::is_blank);
}

std::string or_fatal(std::expected<void, base::Error> checked, std::string_view text) {
  if (!checked) throw base::Fatal(fmt::format("{} in \"{}\"", checked.error().text, base::printable(text)));
  return std::string(text);
}

ServicePattern require_pattern(std::string_view text, Subject subject) {
  const std::size_t parts = subject == Subject::services ? 2 : 3;
  if (auto pattern = parse_full_pattern(text, parts)) return *pattern;
  if (subject == Subject::services) throw base::Fatal("-Me, -MX or -M# requires service_name/type");
  if (subject == Subject::service_fields) throw base::Fatal("-Fe or -FX requires service_name/type/field_name");
  throw base::Fatal("-Pe or -PX requires service_name/type/parameter");
}

void check_field_edit(const ServiceEdit& edit) {
  const std::string& field = edit.pattern.member;
  if (field == kAny) throw base::Fatal("-Fe does not accept wild-card field name");
  if (!is_field_name(field))
    throw base::Fatal(fmt::format("invalid service attribute name: \"{}\"", base::printable(field)));
  if (edit.value.empty()) throw base::Fatal(fmt::format("-Fe does not accept an empty value: \"{}\"", edit.operand));
  if (field == "command") return;
  if (has_blank(edit.value)) throw base::Fatal("-Fe does not accept whitespace in non-command field");
  if (field != "service") or_fatal(config::check_field(field, edit.value), edit.value);
}

void check_parameter_edit(const ServiceEdit& edit) {
  if (edit.pattern.member == kAny) throw base::Fatal("-Pe does not accept wild-card parameter name");
  if (has_blank(edit.value)) throw base::Fatal("-Pe does not accept whitespace in parameter value");
}

ServiceEdit parse_edit(const std::string& operand, const Request& request) {
  if (operand.contains('\n')) throw base::Fatal("-Me, -Fe, -Pe, -X, or -# accept no multi-line input");
  if (base::trim_left(operand).starts_with('#')) throw base::Fatal("-Me, -Fe, -Pe, -X, or -# accept no comment input");
  ServiceEdit edit;
  edit.operand = operand;
  if (request.action != Action::edit) {
    edit.pattern = require_pattern(operand, request.subject);
    if (request.subject == Subject::service_parameters) check_parameter_edit(edit);
    return edit;
  }
  const auto equals = operand.find('=');
  if (equals == std::string::npos) {
    throw base::Fatal(fmt::format("missing '=' after attribute name: \"{}\"", base::printable(operand)));
  }
  edit.pattern = require_pattern(operand.substr(0, equals), request.subject);
  edit.value = base::trim(std::string_view(operand).substr(equals + 1));
  if (request.subject == Subject::services) {
    auto line = config::parse_service_line(edit.value);
    if (!line) {
      const bool empty = config::split_words(edit.value).size() < 8;
      throw base::Fatal(empty ? "bad field count: \"" + base::printable(operand) + '"'
                              : fmt::format("{} in \"{}\"", line.error().text, base::printable(edit.value)));
    }
    edit.entry.emplace(std::move(*line));
  } else if (request.subject == Subject::service_fields) {
    check_field_edit(edit);
  } else {
    check_parameter_edit(edit);
  }
  return edit;
}

void set_field(ServiceEntry& entry, std::string_view field, const std::string& value) {
  config::ServiceLine& line = entry.line;
  if (field == "command") {
    line.command.clear();
    for (const std::string_view word : config::split_words(value)) line.command.emplace_back(word);
    entry.arguments = config::arguments_of(line);
    return;
  }
  const std::pair<std::string_view, std::string*> places[] = {{"service", &line.name},
                                                              {"type", &line.type},
                                                              {"private", &line.private_field},
                                                              {"unprivileged", &line.unprivileged},
                                                              {"chroot", &line.chroot},
                                                              {"wakeup", &line.wakeup},
                                                              {"process_limit", &line.process_limit}};
  for (const auto& [name, place] : places) {
    if (name == field) *place = value;
  }
}

bool overrides(const config::Arguments::Option& option, std::string_view parameter) {
  return option.is_override && option.text.starts_with(parameter) &&
         option.text.substr(parameter.size()).starts_with('=');
}

void set_parameter(ServiceEntry& entry, const std::string& name, const std::string& value) {
  const std::string text = name + '=' + value;
  bool found = false;
  for (config::Arguments::Option& option : entry.arguments.options) {
    if (!overrides(option, name)) continue;
    option.text = text;
    found = true;
  }
  if (!found) entry.arguments.options.push_back({text, true});
}

void remove_parameter(ServiceEntry& entry, std::string_view name) {
  std::erase_if(entry.arguments.options, [name](const auto& option) { return overrides(option, name); });
}

// The entry as it goes into the file. What is written must be read as what was meant: a brace without its other half,
// or a name that makes a comment of the line, would take other words or the whole entry along.
std::string entry_text(const ServiceEntry& entry) {
  const std::string text = service_text(entry, true);
  const auto same = [](const config::Arguments::Option& a, const config::Arguments::Option& b) {
    return a.text == b.text && a.is_override == b.is_override;
  };
  const auto read = config::parse_master_cf(text, "master.cf");
  if (read && read->lines.size() == 1) {
    const ServiceEntry again(read->lines.front());
    if (again.line.name == entry.line.name && again.line.command.front() == entry.line.command.front() &&
        again.arguments.others == entry.arguments.others &&
        std::ranges::equal(again.arguments.options, entry.arguments.options, same)) {
      return text;
    }
  }
  throw base::Fatal(fmt::format("this cannot be an entry of master.cf: \"{}\"", base::printable(base::trim(text))));
}

// Goes through the file entry by entry.
class Editing {
 public:
  Editing(const std::vector<ServiceEdit>& edits, const Request& request, const std::string& path)
      : edits_(edits), request_(request), path_(path) {}

  std::string run(std::string_view content) {
    for_each_line(content, [this](std::string_view line, LineKind kind) {
      ++line_number_;
      if (kind == LineKind::start) begin_entry(line);
      if (kind == LineKind::comment || matching_.empty()) {
        out_.append(line);
      } else {
        edit_line(line, kind);
      }
    });
    end_entry();
    if (request_.subject == Subject::services && request_.action == Action::edit) {
      for (const ServiceEdit& edit : edits_) {
        if (!used_.contains(&edit)) out_ += entry_text(*edit.entry);
      }
    }
    return std::move(out_);
  }

  bool was_used(const ServiceEdit& edit) const { return used_.contains(&edit); }

 private:
  void begin_entry(std::string_view line) {
    end_entry();
    const auto words = config::split_words(line);
    if (words.size() < 2) return;
    for (const ServiceEdit& edit : edits_) {
      if (edit.pattern.matches(words[0], words[1])) matching_.push_back(&edit);
    }
    entry_line_ = line_number_;
  }

  void edit_line(std::string_view line, LineKind kind) {
    if (request_.action == Action::comment_out) {
      out_.append(1, '#').append(line);
      used_.insert(matching_.begin(), matching_.end());
    } else if (request_.subject != Subject::services) {
      entry_.append(line.substr(0, line.size() - 1));
    } else if (kind == LineKind::start) {
      // A request that stands for several entries leaves one of them.
      const bool first = used_.insert(matching_.back()).second;
      used_.insert(matching_.begin(), matching_.end());
      if (request_.action == Action::edit && first) out_ += entry_text(*matching_.back()->entry);
    }
  }

  // An entry with changed fields or options is written anew, after the comments that stood in and behind it.
  void end_entry() {
    if (!entry_.empty()) {
      auto line = config::parse_service_line(entry_);
      if (!line) throw base::Fatal(fmt::format("{}, line {}: {}", path_, entry_line_, line.error().text));
      ServiceEntry entry(std::move(*line));
      for (const ServiceEdit* edit : matching_) apply(*edit, entry);
      out_ += entry_text(entry);
      used_.insert(matching_.begin(), matching_.end());
    }
    entry_.clear();
    matching_.clear();
  }

  void apply(const ServiceEdit& edit, ServiceEntry& entry) const {
    if (request_.subject == Subject::service_fields) {
      set_field(entry, edit.pattern.member, edit.value);
    } else if (request_.action == Action::remove) {
      remove_parameter(entry, edit.pattern.member);
    } else {
      set_parameter(entry, edit.pattern.member, edit.value);
    }
  }

  const std::vector<ServiceEdit>& edits_;
  const Request& request_;
  const std::string& path_;
  std::string out_;
  std::string entry_;                         // the logical line that fields or options are changed of
  std::vector<const ServiceEdit*> matching_;  // the edits of the current entry
  std::set<const ServiceEdit*> used_;
  int line_number_ = 0;
  int entry_line_ = 0;
};

}  // namespace

std::vector<ServiceEdit> parse_service_edits(const Request& request) {
  std::vector<ServiceEdit> edits;
  edits.reserve(request.operands.size());
  for (const std::string& operand : request.operands) edits.push_back(parse_edit(operand, request));
  return edits;
}

std::string edit_master_cf(std::string_view content, const std::vector<ServiceEdit>& edits, const Request& request,
                           const std::string& path, std::vector<std::string>& warnings) {
  Editing editing(edits, request, path);
  std::string result = editing.run(content);
  if (request.subject == Subject::services) return result;
  for (const ServiceEdit& edit : edits) {
    if (!editing.was_used(edit)) {
      warnings.push_back(fmt::format("unmatched service_name/type: \"{}\"", base::printable(edit.operand)));
    }
  }
  return result;
}

}  // namespace postconf
