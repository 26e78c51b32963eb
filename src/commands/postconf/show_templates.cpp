#include "base/error.h"
#include "config/bounce_templates.h"
#include "config/param.h"
#include "postconf/show.h"

namespace postconf {

namespace {

// As the file format has it, so that the output can be the start of a file of one's own.
void add_block(std::string& out, std::string_view name, const std::vector<std::string>& lines) {
  if (!out.empty()) out.append(1, '\n');
  // A marker that none of the lines is.
  std::string marker = "EOF";
  while (std::ranges::find(lines, marker) != lines.end()) marker += "_";
  out += fmt::format("{} = <<{}\n", name, marker);
  for (const std::string& line : lines) out.append(line).append(1, '\n');
  out.append(marker).append(1, '\n');
}

config::BounceTemplates load(const Request& request, const config::Config& config) {
  const std::string file =
      request.operands.empty() ? config[config::param::bounce_template_file] : request.operands.front();
  if (file.empty()) return config::builtin_bounce_templates();
  auto templates = config::read_bounce_templates(file);
  if (!templates) throw base::Fatal(templates.error().text);
  return std::move(*templates);
}

std::optional<std::string> value_for_people(const config::Config& config, std::string_view name) {
  auto value = config.value(name);
  const bool is_domain = name == "mydomain" || name == "myhostname";
  if (value && is_domain && config[config::param::smtputf8_enable]) return config::readable_domain(*value);
  return value;
}

}  // namespace

std::string show_templates(const Request& request, const config::Config& config, const Warn& warn) {
  if (request.operands.size() > 1) throw base::Fatal("options -b and -t require at most one template file");
  config::BounceTemplates templates = load(request, config);
  const config::BounceValues values{config[config::param::delay_warning_time],
                                    config[config::param::maximal_queue_lifetime],
                                    [&config](std::string_view name) { return value_for_people(config, name); }};
  std::string out;
  for (const config::BounceTemplate& chosen : templates.templates) {
    if (request.subject == Subject::expanded_templates) {
      auto lines = config::expand_bounce_text(chosen, values, templates.remarks);
      if (!lines) throw base::Fatal(lines.error().text);
      add_block(out, fmt::format("expanded_{}_text", config::name_of(chosen.kind)), *lines);
      continue;
    }
    std::vector<std::string> lines = {"Charset: " + chosen.charset, "From: " + chosen.from,
                                      "Subject: " + chosen.subject};
    if (!chosen.postmaster_subject.empty()) lines.push_back("Postmaster-Subject: " + chosen.postmaster_subject);
    lines.emplace_back();
    lines.insert(lines.end(), chosen.text.begin(), chosen.text.end());
    add_block(out, fmt::format("{}_template", config::name_of(chosen.kind)), lines);
  }
  for (const config::Remark& remark : templates.remarks) {
    warn(remark.event,
         fmt::format("{}: {}", remark.where.line > 0 ? remark.where.text() : remark.where.file, remark.text));
  }
  return out;
}

}  // namespace postconf
