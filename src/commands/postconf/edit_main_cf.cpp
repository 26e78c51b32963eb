#include "postconf/edit_main_cf.h"

#include <map>

#include "base/error.h"
#include "base/text.h"
#include "postconf/edit_file.h"

namespace postconf {

namespace {

config::NameValue parse_edit(const std::string& operand, Action action) {
  if (operand.contains('\n')) throw base::Fatal("-e, -X, or -# accepts no multi-line input");
  const std::string_view text = base::trim(operand);
  if (text.starts_with('#')) throw base::Fatal("-e, -X, or -# accepts no comment input");
  if (action == Action::edit) {
    auto setting = config::split_name_value(text);
    if (!setting) throw base::Fatal(setting.error().text);
    return *setting;
  }
  if (text.empty()) throw base::Fatal("-X or -# requires non-blank parameter names");
  return {operand, {}};
}

std::string_view name_on(std::string_view line) {
  return line.substr(0, line.find_first_of("= \t\n\v\f\r"));
}

}  // namespace

std::vector<config::NameValue> parse_main_edits(const Request& request, std::vector<std::string>& warnings) {
  std::vector<config::NameValue> edits;
  for (const std::string& operand : request.operands) {
    config::NameValue edit = parse_edit(operand, request.action);
    const auto earlier = std::ranges::find(edits, edit.name, &config::NameValue::name);
    if (earlier == edits.end()) {
      edits.push_back(std::move(edit));
      continue;
    }
    if (request.action == Action::edit) {
      warnings.push_back(fmt::format("ignoring earlier request: '{} = {}'", earlier->name, earlier->value));
    }
    *earlier = std::move(edit);
  }
  return edits;
}

std::string edit_main_cf(std::string_view content, const std::vector<config::NameValue>& edits, Action action,
                         const std::string& path, std::vector<std::string>& warnings) {
  std::map<std::string_view, int> seen;
  std::string out;
  out.reserve(content.size() + 256);
  const auto write_setting = [&out](const config::NameValue& edit) {
    out.append(edit.name).append(" = ").append(edit.value).append(1, '\n');
  };
  bool in_edited_setting = false;
  for_each_line(content, [&](std::string_view line, LineKind kind) {
    const config::NameValue* starts = nullptr;
    if (kind == LineKind::start) {
      const auto edit = std::ranges::find(edits, name_on(line), &config::NameValue::name);
      if (edit != edits.end()) starts = &*edit;
      in_edited_setting = starts != nullptr;
    }
    if (kind == LineKind::comment || !in_edited_setting) {
      out.append(line);
      return;
    }
    if (starts != nullptr && ++seen[starts->name] == 2) {
      warnings.push_back(fmt::format("{}: multiple entries for \"{}\"", path, starts->name));
    }
    if (action == Action::comment_out) {
      out.append(1, '#').append(line);
    } else if (action == Action::edit && starts != nullptr) {
      write_setting(*starts);
    }
  });
  if (action == Action::edit) {
    for (const config::NameValue& edit : edits) {
      if (!seen.contains(edit.name)) write_setting(edit);
    }
  }
  return out;
}

}  // namespace postconf
