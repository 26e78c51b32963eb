#include "postexplain/show.h"

#include "base/text.h"

namespace postexplain {

namespace {

using Kind = Step::Kind;

constexpr std::size_t kColumn = 28;
constexpr std::string_view kWithin = "propagate_unmatched_extensions";  // a part of what a table does

std::string line(std::size_t indent, std::string_view text) {
  std::string result(indent, ' ');
  result += text;
  while (result.ends_with(' ')) result.pop_back();
  return result + '\n';
}

// "virtual_alias_maps (/etc/postfix/main.cf, line 7)"
std::string with_origin(const Setup& setup, std::string_view name) {
  const std::string origin = setup.origin(name);
  return origin.empty() ? std::string(name) : fmt::format("{} ({})", name, origin);
}

std::string shown(std::string_view text) {
  return text.empty() ? "<>" : base::printable(text);
}

std::string_view word_of(Kind kind) {
  switch (kind) {
    case Kind::rewrite:
      return "rewrite";
    case Kind::lookup:
      return "lookup";
    case Kind::list:
      return "list";
    case Kind::decision:
      return "decision";
    case Kind::entered:
      return "list begins";
    case Kind::asked:
      return "restriction";
    case Kind::judged:
      return "verdict";
    case Kind::left:
      return "list ends";
  }
  return {};
}

// A table's name may be the whole table (inline:).
std::string table_name(std::string_view name) {
  constexpr std::size_t kLongest = 60;
  return name.size() <= kLongest ? base::printable(name) : base::printable(name.substr(0, kLongest)) + "...";
}

std::string told(const Step& step) {
  switch (step.kind) {
    case Kind::rewrite:
      if (step.name.ends_with("_bcc_maps")) return fmt::format("=> a copy goes to {}", shown(step.result));
      return fmt::format("=> {} becomes {}", shown(step.subject), shown(step.result));
    case Kind::lookup:
      if (!step.found) return fmt::format("{:<{}} not found", shown(step.subject), kColumn);
      return fmt::format("{:<{}} \"{}\"{}", shown(step.subject), kColumn, base::printable(step.result),
                         step.table.empty() ? "" : " in " + table_name(step.table));
    case Kind::list:
      return fmt::format("{:<{}} {}", shown(step.subject), kColumn, step.found ? "listed" : "not listed");
    case Kind::decision:
    case Kind::entered:
    case Kind::asked:
    case Kind::judged:
    case Kind::left:
      break;
  }
  return {};
}

// What was decided last, and by which parameter.
void decision_line(const Setup& setup, const Destination& destination, std::string_view what, std::size_t indent,
                   std::string& out) {
  const Step* const step = last_decision(destination.steps, what);
  if (step == nullptr) return;
  out += line(indent, fmt::format("{:<14} {:<{}} {}", what, base::printable(step->result), kColumn - 6,
                                  with_origin(setup, step->because)));
}

// The outcome at a glance.
std::string summary(const Destination& destination, std::size_t indent) {
  std::string text = fmt::format("-> {:<{}} ", shown(destination.recipient), kColumn - 3);
  if (!destination.problem.empty()) {
    text += fmt::format("{}: {}", destination.fate == Fate::refused ? "UNDELIVERABLE" : "WAITS",
                        base::printable(destination.problem));
  } else {
    text += fmt::format("{} to {}", destination.route.transport, base::printable(destination.route.nexthop));
  }
  if (!destination.copy_by.empty()) text += fmt::format("  (a copy, by {})", destination.copy_by);
  return line(indent, text);
}

std::string filter_origin(const Setup& setup, const RouteReport& report) {
  return report.filter_is_action ? "a FILTER action" : with_origin(setup, "content_filter");
}

void destination_text(const Setup& setup, const RouteReport& report, const Destination& destination, std::size_t indent,
                      std::string& out) {
  out += "\n" + line(indent, "recipient " + shown(destination.recipient));
  out += steps_text(setup, destination.steps, indent + 2);
  for (const std::string_view what : {"address", "address class", "transport", "next hop"}) {
    decision_line(setup, destination, what, indent + 2, out);
  }
  if (!destination.service_at.empty()) {
    out += line(indent + 2, fmt::format("{:<14} {:<{}} {}", "service", destination.route.transport, kColumn - 6,
                                        destination.service_at));
  }
  if (!report.filter.empty()) {
    out += line(indent + 2, fmt::format("{:<14} {:<{}} {}", "filtered by", base::printable(report.filter), kColumn - 6,
                                        filter_origin(setup, report)));
  }
}

void step_json(const Setup& setup, const Step& step, Json& json) {
  json.object().member("step", word_of(step.kind));
  const auto origin_of = [&](std::string_view name) {
    if (const std::string origin = setup.origin(name); !origin.empty()) json.member("origin", origin);
  };
  switch (step.kind) {
    case Kind::rewrite:
      json.member("rule", step.name);
      origin_of(step.name);
      json.member("before", step.subject).member("after", step.result);
      break;
    case Kind::lookup:
      json.member("parameter", step.name);
      origin_of(step.name);
      json.member("key", step.subject);
      if (!step.found) {
        json.null("result");
      } else {
        json.member("result", step.result);
        if (!step.table.empty()) json.member("table", step.table);
      }
      break;
    case Kind::list:
      json.member("parameter", step.name);
      origin_of(step.name);
      json.member("key", step.subject).member("listed", step.found);
      break;
    case Kind::decision:
      json.member("what", step.name).member("verdict", step.result).member("because", step.because);
      origin_of(step.because);
      break;
    case Kind::entered:
      json.member("list", step.name);
      origin_of(step.name);
      break;
    case Kind::asked:
      json.member("restriction", step.name);
      origin_of(step.name);
      break;
    case Kind::judged:
      json.member("restriction", step.name).member("verdict", step.result);
      if (!step.because.empty()) json.member("text", step.because);
      break;
    case Kind::left:
      json.member("list", step.name).member("verdict", step.result);
      break;
  }
  json.end();
}

}  // namespace

// A parameter is named once for all that follows of it.
std::string steps_text(const Setup& setup, const std::vector<Step>& steps, std::size_t indent,
                       std::string_view within) {
  std::string out;
  std::string_view current;
  for (const Step& step : steps) {
    if (step.kind == Kind::decision) continue;  // those that count are summed up
    if (step.name == kWithin) {
      out += line(indent + 2, fmt::format("{}: {}", told(step), with_origin(setup, step.name)));
      continue;
    }
    const bool is_named = step.name.contains(':') && within.contains(step.name);  // a table
    if (step.name != current && !is_named) out += line(indent, with_origin(setup, step.name));
    current = step.name;
    out += line(is_named ? indent : indent + 2, told(step));
  }
  return out;
}

void steps_json(const Setup& setup, const std::vector<Step>& steps, std::string_view name, Json& json) {
  json.array(name);
  for (const Step& step : steps) step_json(setup, step, json);
  json.end();
}

std::string route_text(const Setup& setup, const RouteReport& report, std::size_t indent) {
  std::string out = line(indent, shown(report.address));
  for (const Destination& destination : report.destinations) out += summary(destination, indent + 2);
  if (!report.problem.empty()) out += line(indent + 2, "WAITS: " + base::printable(report.problem));

  std::string steps;
  if (!report.sender.empty()) {
    steps += line(indent + 2, fmt::format("from {}", shown(report.rewritten_sender)));
    steps += steps_text(setup, report.sender_steps, indent + 4);
  }
  steps += steps_text(setup, report.steps, indent + 2);
  if (const Step* const mapping = last_decision(report.steps, "address mapping")) {
    steps += line(indent + 2, fmt::format("{:<14} {:<{}} {}", mapping->name, mapping->result, kColumn - 6,
                                          with_origin(setup, mapping->because)));
  }
  if (!steps.empty()) out += "\n" + steps;
  for (const Destination& destination : report.destinations) {
    destination_text(setup, report, destination, indent + 2, out);
  }
  return out;
}

void route_json(const Setup& setup, const RouteReport& report, Json& json) {
  json.object();
  json.member("address", report.address).member("sender", report.rewritten_sender);
  json.member("fate", name_of(report.fate()));
  if (!report.problem.empty()) json.member("problem", report.problem);
  if (!report.filter.empty()) json.member("filter", report.filter);
  steps_json(setup, report.sender_steps, "sender_steps", json);
  steps_json(setup, report.steps, "steps", json);
  json.array("destinations");
  for (const Destination& destination : report.destinations) {
    json.object().member("recipient", destination.recipient).member("fate", name_of(destination.fate));
    if (!destination.copy_by.empty()) json.member("copy_by", destination.copy_by);
    if (!destination.problem.empty()) json.member("problem", destination.problem);
    if (last_decision(destination.steps, "transport") != nullptr) {
      json.member("class", routing::name_of(destination.route.address_class));
      json.member("transport", destination.route.transport).member("nexthop", destination.route.nexthop);
    }
    if (!destination.service_at.empty()) json.member("service", destination.service_at);
    steps_json(setup, destination.steps, "steps", json);
    json.end();
  }
  json.end().end();
}

std::string route_json(const Setup& setup, const RouteReport& report) {
  Json json;
  route_json(setup, report, json);
  return json.written() + "\n";
}

}  // namespace postexplain
