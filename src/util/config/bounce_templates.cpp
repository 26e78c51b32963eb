#include "config/bounce_templates.h"

#include <idn2.h>

#include "base/file.h"
#include "base/text.h"
#include "config/expand.h"
#include "config/from_header.h"
#include "config/main_cf.h"

namespace config {

namespace {

constexpr std::string_view kBuiltIn = "[built-in]";
constexpr std::size_t kLargestFile = 1024 * 1024;

// The first line and the subjects are what programs that read notices know them by; the rest is for people.
constexpr std::string_view kFailureText =
    R"(This is the mail system at host $myhostname.

Your message could not be delivered to the recipients that are listed
below, and no further attempt will be made. The reasons are given with
each of them; what you had sent is attached.

If the reasons do not help you, please write to postmaster and include
this report. What you wrote yourself you may leave out.

                   The mail system)";

constexpr std::string_view kDelayText =
    R"(This is the mail system at host $myhostname.

*** Only a warning: there is no need to send the message again. ***

Your message has been waiting for delivery to the recipients below for
more than $delay_warning_time_hours hour(s).
Delivery will be tried until the message is $maximal_queue_lifetime_days day(s) old.

If the reasons do not help you, please write to postmaster and include
this report. What you wrote yourself you may leave out.

                   The mail system)";

constexpr std::string_view kSuccessText =
    R"(This is the mail system at host $myhostname.

Your message was delivered to the recipients that are listed below.
Where it went into a mailbox, this is the last notice. Where it went on
to another system, that system may still report a failure.

                   The mail system)";

constexpr std::string_view kVerifyText =
    R"(This is the mail system at host $myhostname.

This is the report that you asked for: what a delivery to each of the
addresses below would have come to.

                   The mail system)";

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (true) {
    const auto newline = text.find('\n');
    lines.emplace_back(text.substr(0, newline));
    if (newline == std::string_view::npos) return lines;
    text.remove_prefix(newline + 1);
  }
}

std::optional<BounceKind> kind_named(std::string_view template_name) {
  for (const BounceKind kind : kBounceKinds) {
    if (template_name == fmt::format("{}_template", name_of(kind))) return kind;
  }
  return std::nullopt;
}

// "Label: value" at the start of a template: the value, trimmed on the left.
struct Header {
  std::string_view label;
  std::string_view value;
};
std::optional<Header> header_on(std::string_view line) {
  const auto end = line.find_first_of(": \t");
  if (end == 0 || end == std::string_view::npos) return std::nullopt;
  const std::string_view after = base::trim_left(line.substr(end));
  if (!after.starts_with(':')) return std::nullopt;
  return Header{line.substr(0, end), base::trim_left(after.substr(1))};
}

// Fills in what the lines say over what `base` says. The error is why the template cannot be used.
std::expected<BounceTemplate, std::string> read_template(BounceTemplate base,
                                                         const std::vector<std::string_view>& lines) {
  std::size_t next = 0;
  for (; next < lines.size(); ++next) {
    const auto header = header_on(lines[next]);
    if (!header) break;
    const std::string shown = base::printable(header->label);
    if (header->value.empty()) return std::unexpected(fmt::format("empty \"{}\" header value", shown));
    if (!base::is_ascii(header->value)) return std::unexpected(fmt::format("non-ASCII \"{}\" header value", shown));
    if (base::equals_folded(header->label, "charset")) {
      base.charset = header->value;
    } else if (base::equals_folded(header->label, "from")) {
      base.from = header->value;
    } else if (base::equals_folded(header->label, "subject")) {
      base.subject = header->value;
    } else if (base::equals_folded(header->label, "postmaster-subject")) {
      if (base.postmaster_subject.empty())
        return std::unexpected(fmt::format("inapplicable \"{}\" header label", shown));
      base.postmaster_subject = header->value;
    } else {
      return std::unexpected(fmt::format("unknown \"{}\" header label", shown));
    }
  }
  while (next < lines.size() && base::trim(lines[next]).empty()) ++next;
  if (next == lines.size()) return std::unexpected(std::string("missing message text"));
  base.text.assign(lines.begin() + static_cast<std::ptrdiff_t>(next), lines.end());
  const bool ascii = std::ranges::all_of(base.text, [](const std::string& line) { return base::is_ascii(line); });
  if (!ascii && base::equals_folded(base.charset, "us-ascii")) {
    return std::unexpected(std::string("8-bit message text without a suitable \"Charset\" header"));
  }
  return base;
}

class FileReader {
 public:
  FileReader(std::string_view content, const std::string& name) : unread_(content), name_(name) {}

  std::expected<BounceTemplates, base::Error> run() {
    while (const auto line = next_line()) {
      const std::string_view text = base::trim(*line);
      if (text.empty() || text.starts_with('#')) continue;
      const auto equals = text.find('=');
      if (equals == std::string_view::npos) {
        return error(fmt::format("missing '=' after attribute name: \"{}\"", base::printable(text)));
      }
      const std::string name(base::trim_right(text.substr(0, equals)));
      std::string_view value = base::trim_left(text.substr(equals + 1));
      const int first_line = line_;
      std::vector<std::string_view> lines = {value};
      if (value.starts_with("<<")) {
        value = base::trim_left(value.substr(2));
        if (value.empty()) return error("missing end marker after <<");
        auto until = lines_until(value);
        if (!until) return std::unexpected(until.error());
        lines = std::move(*until);
      }
      use(name, lines, first_line);
    }
    return std::move(result_);
  }

 private:
  std::optional<std::string_view> next_line() {
    if (unread_.empty()) return std::nullopt;
    const auto newline = unread_.find('\n');
    const std::string_view line = unread_.substr(0, newline);
    unread_.remove_prefix(newline == std::string_view::npos ? unread_.size() : newline + 1);
    ++line_;
    return line;
  }

  std::expected<std::vector<std::string_view>, base::Error> lines_until(std::string_view marker) {
    const int first = line_;
    std::vector<std::string_view> lines;
    while (const auto line = next_line()) {
      // As it stands: a blank more, and the line is text. Only a file with line ends of another kind is still
      // understood.
      if (line->substr(0, line->size() - (line->ends_with('\r') ? 1 : 0)) == marker) return lines;
      if (line->contains('\0')) return error("the line contains a NUL byte; this is not a text file");
      lines.push_back(*line);
    }
    result_.remarks.push_back(
        {"bounce.template_end", {name_, first}, fmt::format("missing \"{}\" end marker", base::printable(marker))});
    return lines;
  }

  void use(const std::string& name, const std::vector<std::string_view>& lines, int line) {
    const auto kind = kind_named(name);
    if (!kind) {
      result_.remarks.push_back({"bounce.template_unknown",
                                 {name_, line},
                                 fmt::format("unknown template name: {} -- ignored", base::printable(name))});
      return;
    }
    auto made = read_template(builtin_bounce_templates()[*kind], lines);
    if (!made) {
      result_.remarks.push_back(
          {"bounce.template_ignored",
           {name_, line},
           fmt::format("{} in {} template -- ignoring this template", made.error(), name_of(*kind))});
      return;
    }
    made->origin = name_;
    result_.templates[static_cast<std::size_t>(*kind)] = std::move(*made);
  }

  std::unexpected<base::Error> error(std::string_view text) const {
    return std::unexpected(base::Error{fmt::format("{}: {}", Origin{name_, line_}.text(), text)});
  }

  std::string_view unread_;
  const std::string& name_;
  int line_ = 0;
  BounceTemplates result_ = builtin_bounce_templates();
};

struct TimeName {
  std::string_view parameter;
  base::Seconds value;
};

// delay_warning_time_hours: "2". Nothing for other names; the error names a unit that is none.
std::expected<std::optional<std::string>, base::Error> time_in_unit(std::string_view name, const BounceTemplate& chosen,
                                                                    const BounceValues& values,
                                                                    std::vector<Remark>& remarks) {
  const TimeName times[] = {{"delay_warning_time", values.delay_warning_time},
                            {"maximal_queue_lifetime", values.maximal_queue_lifetime}};
  constexpr std::pair<std::string_view, char> kUnits[] = {
      {"seconds", 's'}, {"minutes", 'm'}, {"hours", 'h'}, {"days", 'd'}, {"weeks", 'w'}};
  for (const TimeName& time : times) {
    if (!name.starts_with(time.parameter) || !name.substr(time.parameter.size()).starts_with('_')) continue;
    const std::string_view suffix = name.substr(time.parameter.size() + 1);
    const auto* unit = std::ranges::find(kUnits, suffix, [](const auto& known) { return known.first; });
    if (unit == std::end(kUnits)) {
      return std::unexpected(base::Error{fmt::format("{}: unrecognized suffix \"{}\" in parameter \"{}\"",
                                                     chosen.origin, base::printable(suffix), base::printable(name))});
    }
    const long number = time.value.count() / base::seconds_in_unit(unit->second);
    constexpr long kReadable = 1000;
    const auto remark = [&](std::string_view what, std::string_view unit_wanted) {
      remarks.push_back({"bounce.time_unit",
                         {chosen.origin, 0},
                         fmt::format("${} is {} in the {} template; use a {} unit than {}", name, what,
                                     name_of(chosen.kind), unit_wanted, suffix)});
    };
    if (number == 0 && time.value.count() != 0) remark("zero", "smaller");
    if (number >= kReadable) remark(std::to_string(number), "larger");
    return std::to_string(number);
  }
  return std::nullopt;
}

// Whether the line has $name, ${name} or $(name): a reference that makes no sense without a value, unlike ${name?text}.
bool refers_plainly(std::string_view line, std::string_view name) {
  for (std::size_t at = line.find('$'); at != std::string_view::npos; at = line.find('$', at + 1)) {
    std::string_view rest = line.substr(at + 1);
    const bool enclosed = rest.starts_with('{') || rest.starts_with('(');
    if (enclosed) rest = base::trim_left(rest.substr(1));
    if (!rest.starts_with(name)) continue;
    rest = rest.substr(name.size());
    if (enclosed) rest = base::trim_left(rest);
    if (enclosed ? rest.starts_with('}') || rest.starts_with(')')
                 : rest.empty() || (!base::is_alnum(rest.front()) && rest.front() != '_')) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string_view name_of(BounceKind kind) {
  switch (kind) {
    case BounceKind::failure:
      return "failure";
    case BounceKind::delay:
      return "delay";
    case BounceKind::success:
      return "success";
    case BounceKind::verify:
      return "verify";
  }
  return {};
}

BounceTemplates builtin_bounce_templates() {
  const auto make = [](BounceKind kind, std::string_view subject, std::string_view postmaster_subject,
                       std::string_view text) {
    return BounceTemplate{kind,
                          "us-ascii",
                          sender_of_notices("MAILER-DAEMON", false),
                          std::string(subject),
                          std::string(postmaster_subject),
                          lines_of(text),
                          std::string(kBuiltIn)};
  };
  return {
      {make(BounceKind::failure, "Undelivered Mail Returned to Sender", "Postmaster Copy: Undelivered Mail",
            kFailureText),
       make(BounceKind::delay, "Delayed Mail (still being retried)", "Postmaster Warning: Delayed Mail", kDelayText),
       make(BounceKind::success, "Successful Mail Delivery Report", {}, kSuccessText),
       make(BounceKind::verify, "Mail Delivery Status Report", {}, kVerifyText)},
      {}};
}

std::expected<BounceTemplates, base::Error> read_bounce_templates(const std::string& path) {
  auto content = base::read_file(path, kLargestFile);
  if (!content) return std::unexpected(content.error());
  return parse_bounce_templates(*content, path);
}

std::expected<BounceTemplates, base::Error> parse_bounce_templates(std::string_view content,
                                                                   const std::string& name_for_messages) {
  return FileReader(content, name_for_messages).run();
}

std::expected<std::vector<std::string>, base::Error> expand_bounce_text(const BounceTemplate& chosen,
                                                                        const BounceValues& values,
                                                                        std::vector<Remark>& remarks) {
  std::optional<base::Error> bad_unit;
  std::map<std::string, std::optional<std::string>, std::less<>> known;  // keeps the values that expand() gets views of
  const RawLookup lookup = [&](std::string_view name) -> std::optional<std::string_view> {
    auto place = known.find(name);
    if (place == known.end()) {
      auto time = time_in_unit(name, chosen, values, remarks);
      if (!time) bad_unit = time.error();
      auto value = time && *time ? *time : values.parameter(name);
      if (value) {
        // The value is expanded already; what dollars are left in it are text.
        std::string quoted;
        for (const char c : *value) quoted.append(c == '$' ? 2 : 1, c);
        value = std::move(quoted);
      }
      place = known.emplace(std::string(name), std::move(value)).first;
    }
    return place->second ? std::optional<std::string_view>(*place->second) : std::nullopt;
  };
  std::vector<std::string> lines;
  for (const std::string& line : chosen.text) {
    auto expanded = expand(line, lookup);
    if (bad_unit) return std::unexpected(*bad_unit);
    if (!expanded) {
      return std::unexpected(
          base::Error{fmt::format("{}: bad $name syntax in {} template: {}: {}", chosen.origin, name_of(chosen.kind),
                                  base::printable(line), expanded.error().text)});
    }
    for (const auto& [name, value] : known) {
      if (!value && refers_plainly(line, name)) {
        return std::unexpected(base::Error{fmt::format("{}: undefined $name in {} template: {}", chosen.origin,
                                                       name_of(chosen.kind), base::printable(line))});
      }
    }
    lines.push_back(std::move(*expanded));
  }
  return lines;
}

std::string readable_domain(const std::string& domain) {
  char* decoded = nullptr;
  if (idn2_to_unicode_8z8z(domain.c_str(), &decoded, 0) != IDN2_OK || decoded == nullptr) return domain;
  std::string text = decoded;
  idn2_free(decoded);
  return text;
}

}  // namespace config
