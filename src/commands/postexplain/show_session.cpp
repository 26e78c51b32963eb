#include "base/text.h"
#include "postexplain/show.h"

namespace postexplain {

namespace {

using Kind = Step::Kind;

constexpr std::size_t kVerdictColumn = 62;

std::string line(std::size_t indent, std::string_view text) {
  std::string result(indent, ' ');
  result += base::printable(text);
  while (result.ends_with(' ')) result.pop_back();
  return result + '\n';
}

// The first line behind `start`, the others below it.
std::string reply_text(std::size_t indent, std::string_view start, std::string_view reply, std::string_view end = {}) {
  const std::string margin(start.size(), ' ');
  std::string out;
  for (std::string_view lead = start;; lead = margin) {
    const auto stop = reply.find('\n');
    const bool is_last = stop == std::string_view::npos;
    out += line(indent, fmt::format("{}{}{}", lead, reply.substr(0, stop), is_last ? end : std::string_view()));
    if (is_last) return out;
    reply.remove_prefix(stop + 1);
  }
}

// "name", padded so that verdicts stand below one another.
std::string padded(std::size_t indent, std::string_view name) {
  const std::size_t width = kVerdictColumn > indent ? kVerdictColumn - indent : 0;
  return fmt::format("{:<{}}", name, width);
}

// Where what was asked in front of `at` is judged; restrictions nest.
std::size_t verdict_of(const std::vector<Step>& steps, std::size_t at) {
  int depth = 0;
  for (; at < steps.size(); ++at) {
    if (steps[at].kind == Kind::asked) ++depth;
    if (steps[at].kind == Kind::judged && --depth == 0) return at;
  }
  return steps.size();
}

class Lines {
 public:
  Lines(const Setup& setup, const std::vector<Step>& steps) : setup_(setup), steps_(steps) {}

  std::string text(std::size_t indent) {
    for (at_ = 0; at_ < steps_.size();) step(indent, {});
    return std::move(out_);
  }

 private:
  std::string with_origin(std::string_view name) const {
    const std::string origin = setup_.origin(name);
    return origin.empty() ? std::string(name) : fmt::format("{} ({})", name, origin);
  }

  void step(std::size_t indent, std::string_view within) {
    const Step& step = steps_[at_];
    switch (step.kind) {
      case Kind::entered:
        return list(indent);
      case Kind::asked:
        return restriction(indent);
      case Kind::decision:
        if (!is_overridden()) {
          out_ += line(indent, fmt::format("{}: {}{}{}", step.name, step.result, step.because.empty() ? "" : ", ",
                                           with_origin(step.because)));
        }
        ++at_;
        return;
      case Kind::rewrite:
      case Kind::lookup:
      case Kind::list:
        return look_ups(indent, within);
      case Kind::judged:
      case Kind::left:
        ++at_;
        return;
    }
  }

  // Whether the same thing is decided once more before anything else is asked.
  bool is_overridden() const {
    for (std::size_t i = at_ + 1; i < steps_.size(); ++i) {
      const Kind kind = steps_[i].kind;
      if (kind == Kind::asked || kind == Kind::judged || kind == Kind::entered || kind == Kind::left) return false;
      if (kind == Kind::decision && steps_[i].name == steps_[at_].name) return true;
    }
    return false;
  }

  void list(std::size_t indent) {
    const std::string& name = steps_[at_].name;
    out_ += line(indent, with_origin(name));
    for (++at_; at_ < steps_.size();) {
      if (steps_[at_].kind == Kind::left && steps_[at_].name == name) {
        ++at_;
        return;
      }
      step(indent + 2, {});
    }
  }

  void restriction(std::size_t indent) {
    constexpr std::size_t kLongest = 56;
    const std::string& name = steps_[at_].name;
    const std::size_t end = verdict_of(steps_, at_);
    std::string verdict = "(no verdict)";
    std::string reply;
    if (end < steps_.size()) {
      verdict = steps_[end].result;
      reply = steps_[end].because;
    }
    const std::string shown =
        name.size() <= kLongest ? name : fmt::format("{}...", std::string_view(name).substr(0, kLongest - 3));
    const std::string origin = setup_.origin(name);
    out_ += line(indent, fmt::format("{} {}{}", padded(indent, shown), verdict,
                                     origin.empty() ? "" : fmt::format("  ({})", origin)));
    if (!reply.empty()) out_ += line(indent + 4, "\"" + reply + "\"");
    // A restriction class is a list of its own name.
    const auto is_class = [&](Kind kind) { return steps_[at_].kind == kind && steps_[at_].name == name; };
    for (++at_; at_ < end;) {
      if (is_class(Kind::entered) || is_class(Kind::left)) {
        ++at_;
      } else {
        step(indent + 4, name);
      }
    }
    at_ = std::min(end + 1, steps_.size());
  }

  // Those that follow one another, with the parameters' names where the restriction does not say them.
  void look_ups(std::size_t indent, std::string_view within) {
    std::vector<Step> some;
    for (; at_ < steps_.size(); ++at_) {
      const Kind kind = steps_[at_].kind;
      if (kind != Kind::rewrite && kind != Kind::lookup && kind != Kind::list) break;
      some.push_back(steps_[at_]);
    }
    out_ += steps_text(setup_, some, indent, within);
  }

  const Setup& setup_;
  const std::vector<Step>& steps_;
  std::size_t at_ = 0;
  std::string out_;
};

std::string effects_text(const restrictions::Effects& effects, std::size_t indent) {
  std::string out;
  if (effects.hold) out += line(indent, "the message is put on hold");
  if (effects.discard) out += line(indent, "the message is discarded");
  if (!effects.filter.empty()) out += line(indent, "the message goes to the filter " + effects.filter);
  if (!effects.redirect.empty()) {
    out += line(indent, fmt::format("the message goes to {} in place of its recipients", effects.redirect));
  }
  for (const std::string& bcc : effects.bcc) out += line(indent, "a copy goes to " + bcc);
  for (const std::string& header : effects.prepend) out += line(indent, "a header is added: " + header);
  return out;
}

void effects_json(const restrictions::Effects& effects, Json& json) {
  json.object("effects");
  if (effects.hold) json.member("hold", true);
  if (effects.discard) json.member("discard", true);
  if (!effects.filter.empty()) json.member("filter", effects.filter);
  if (!effects.redirect.empty()) json.member("redirect", effects.redirect);
  const auto list = [&json](std::string_view name, const std::vector<std::string>& items) {
    if (items.empty()) return;
    json.array(name);
    for (const std::string& item : items) json.text(item);
    json.end();
  };
  list("bcc", effects.bcc);
  list("prepend", effects.prepend);
  json.end();
}

std::string_view name_of(Moment::Kind kind) {
  switch (kind) {
    case Moment::Kind::accepted:
      return "accepted";
    case Moment::Kind::refused:
      return "refused";
    case Moment::Kind::deferred:
      return "deferred";
  }
  return {};
}

std::string_view name_of(restrictions::Client::Status status) {
  using Status = restrictions::Client::Status;
  switch (status) {
    case Status::found:
      return "found";
    case Status::not_found:
      return "not found";
    case Status::temporary:
      return "temporary failure";
    case Status::forged:
      return "the name does not have the address";
  }
  return {};
}

std::string client_text(const SessionReport& report) {
  const restrictions::Client& client = report.client;
  std::string text = client.name_and_address();
  if (report.name_was_given) return text;
  text += fmt::format("  (name: {}", name_of(client.name_status));
  if (client.reverse_name != client.name) text += ", reverse name: " + client.reverse_name;
  return text + ")";
}

}  // namespace

std::string session_text(const Setup& setup, const SessionReport& report) {
  std::string out = line(0, fmt::format("client   {}", client_text(report)));
  out += line(0, fmt::format("service  {}", report.service));
  for (const Moment& moment : report.moments)
    out += reply_text(2, fmt::format("{:<44} ", moment.command), moment.reply);
  out += effects_text(report.effects, 2);

  for (const Moment& moment : report.moments) {
    if (moment.steps.empty() && moment.notes.empty()) continue;
    out += "\n" + line(0, moment.command);
    out += Lines(setup, moment.steps).text(2);
    for (const restrictions::Note& note : moment.notes) {
      out += line(2, fmt::format("logged: {}: {}", note.action, note.text));
    }
    out += effects_text(moment.effects, 2);
    out += reply_text(2, "=> ", moment.reply, moment.disconnect ? "  (and the connection is closed)" : "");
  }
  for (const RouteReport& route : report.routes) out += "\n" + route_text(setup, route);
  return out;
}

std::string session_json(const Setup& setup, const SessionReport& report) {
  const restrictions::Client& client = report.client;
  Json json;
  json.object().object("client").member("address", client.address).member("name", client.name);
  json.member("name_status", name_of(client.name_status)).member("reverse_name", client.reverse_name);
  json.member("reverse_name_status", name_of(client.reverse_status)).end();
  json.member("service", report.service);
  json.array("commands");
  for (const Moment& moment : report.moments) {
    json.object().member("command", moment.command).member("verdict", name_of(moment.kind));
    json.member("reply", moment.reply).member("disconnect", moment.disconnect);
    steps_json(setup, moment.steps, "steps", json);
    json.array("log");
    for (const restrictions::Note& note : moment.notes) {
      json.object().member("action", note.action).member("text", note.text).end();
    }
    json.end();
    effects_json(moment.effects, json);
    json.end();
  }
  json.end();
  effects_json(report.effects, json);
  json.array("routes");
  for (const RouteReport& route : report.routes) route_json(setup, route, json);
  json.end().end();
  return json.written() + "\n";
}

}  // namespace postexplain
