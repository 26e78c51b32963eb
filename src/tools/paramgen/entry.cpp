#include "entry.h"

#include <algorithm>
#include <optional>
#include <tuple>

#include "base/file.h"
#include "base/text.h"
#include "base/time_units.h"

namespace paramgen {

Mistake::Mistake(const std::string& file, int line, const std::string& text)
    : std::runtime_error(file + ":" + std::to_string(line) + ": " + text) {}

namespace {

constexpr std::string_view kFamilyPrefix = "<transport>";

bool is_name(std::string_view text) {
  return !text.empty() && std::ranges::all_of(text, [](char c) { return base::is_alnum(c) || c == '_'; });
}

class Reader {
 public:
  Reader(const std::string& path, const Variables& variables, std::vector<Entry>& entries)
      : path_(path), variables_(variables), entries_(entries) {
    const auto content = base::read_file(path, 4 * 1024 * 1024);
    if (!content) throw std::runtime_error(content.error().text);
    std::string_view rest = *content;
    while (!rest.empty()) {
      const auto end = std::min(rest.find('\n'), rest.size());
      lines_.emplace_back(rest.substr(0, end));
      rest.remove_prefix(std::min(end + 1, rest.size()));
    }
  }

  void run() {
    constexpr std::string_view kArea = "area: ";
    if (at_end() || !current().starts_with(kArea)) fail("the first line must be \"area: <text>\"");
    area_ = base::trim(current().substr(kArea.size()));
    if (area_.empty()) fail("the area has no name");
    ++next_;
    skip_empty_lines();
    while (!at_end()) entry();
  }

 private:
  bool at_end() const { return next_ >= lines_.size(); }
  std::string_view current() const { return lines_[next_]; }
  bool is_heading() const { return !at_end() && current().starts_with('[') && current().ends_with(']'); }
  void skip_empty_lines() {
    while (!at_end() && current().empty()) ++next_;
  }
  [[noreturn]] void fail(const std::string& text) const { fail_at(static_cast<int>(next_) + 1, text); }
  [[noreturn]] void fail_at(int line, const std::string& text) const { throw Mistake(path_, line, text); }

  void entry() {
    if (!is_heading()) fail("expected a name in brackets, like [queue_run_delay]");
    Entry entry;
    entry.file = path_;
    entry.line = static_cast<int>(next_) + 1;
    entry.area = area_;
    const std::string heading(current().substr(1, current().size() - 2));
    ++next_;
    keys(entry);
    documentation(entry);
    name(entry, heading);
    check(entry);
    entries_.push_back(std::move(entry));
  }

  void name(Entry& entry, std::string_view heading) {
    const bool is_member = heading.starts_with(kFamilyPrefix);
    if (is_member) heading.remove_prefix(kFamilyPrefix.size());
    if (is_member != (entry.kind == Kind::family)) {
      fail_at(entry.line, "\"kind: family\" and a name that begins with <transport> go together");
    }
    if (!is_name(heading) || (is_member && !heading.starts_with('_'))) {
      fail_at(entry.line, "\"" + std::string(heading) + "\" is not a name of letters, digits and underscores");
    }
    entry.name = heading;
  }

  void keys(Entry& entry) {
    std::map<std::string, int, std::less<>> seen;
    for (; !at_end() && !current().empty(); ++next_) {
      const auto colon = current().find(':');
      if (colon == std::string_view::npos) fail("expected \"key: value\"");
      const std::string key(current().substr(0, colon));
      const std::string value(base::trim(current().substr(colon + 1)));
      if (!seen.emplace(key, static_cast<int>(next_) + 1).second) fail("a second \"" + key + "\"");
      if (key == "type") {
        type(entry, value);
      } else if (key == "kind") {
        kind(entry, value);
      } else if (key == "default") {
        entry.default_value = substituted(value);
      } else if (key == "range") {
        entry.range = value;
      } else if (key == "used-by") {
        used_by(entry, value);
      } else if (key == "since") {
        since(entry, value);
      } else if (key == "advice") {
        entry.advice = value;
      } else if (key == "unserved") {
        if (value.empty()) fail("\"unserved\" must say what happens instead");
        entry.unserved = value;
      } else {
        fail("unknown key \"" + key + "\"");
      }
    }
    for (const char* required : {"type", "default", "range", "used-by"}) {
      if (!seen.contains(required)) fail_at(entry.line, std::string("\"") + required + "\" is missing");
    }
    if (!entry.range.empty()) {
      const std::size_t after = next_;
      next_ = static_cast<std::size_t>(seen.find("range")->second) - 1;
      set_range(entry);
      next_ = after;
    }
  }

  void type(Entry& entry, std::string_view value) const {
    static const std::map<std::string_view, Type> types{{"text", Type::text},
                                                        {"boolean", Type::boolean},
                                                        {"integer", Type::integer},
                                                        {"big_integer", Type::big_integer},
                                                        {"raw", Type::raw}};
    if (const auto found = types.find(value); found != types.end()) {
      entry.type = found->second;
      return;
    }
    const auto words = base::split(value);
    if (words.size() != 2 || words[0] != "time" || words[1].size() != 1 ||
        !std::string_view("smhdw").contains(words[1][0])) {
      fail("unknown type \"" + std::string(value) +
           "\"; it is text, boolean, integer, big_integer, raw, or \"time, U\" with U one of s m h d w");
    }
    entry.type = Type::time;
    entry.unit = words[1][0];
  }

  void kind(Entry& entry, std::string_view value) const {
    static const std::map<std::string_view, Kind> kinds{{"read_only", Kind::read_only},
                                                        {"family", Kind::family},
                                                        {"function", Kind::function},
                                                        {"obsolete", Kind::obsolete}};
    const auto found = kinds.find(value);
    if (found == kinds.end())
      fail("unknown kind \"" + std::string(value) + "\"; it is read_only, family, function or obsolete");
    entry.kind = found->second;
  }

  void used_by(Entry& entry, std::string_view value) const {
    for (const auto program : base::split(value)) {
      const bool fine = std::ranges::all_of(program, [](char c) { return base::is_alnum(c) || c == '-' || c == '_'; });
      if (!fine) fail("\"" + std::string(program) + "\" is not the name of a program");
      if (!entry.used_by.empty()) entry.used_by += ' ';
      entry.used_by += program;
    }
  }

  void since(Entry& entry, std::string_view value) const {
    const auto dot = value.find('.');
    if (!value.empty() && (dot == std::string_view::npos || !base::all_digits(value.substr(0, dot)) ||
                           !base::all_digits(value.substr(dot + 1)))) {
      fail("\"" + std::string(value) + "\" is not a release like 3.8");
    }
    entry.since = value;
  }

  // The number in an entry's own measure: seconds, or the number itself.
  static std::optional<std::int64_t> number(const Entry& entry, std::string_view text) {
    if (entry.type == Type::time) {
      if (text.empty() || text.find_first_not_of("0123456789") < text.size() - 1) return std::nullopt;
      const auto seconds = base::to_seconds(text, entry.unit);
      if (!seconds) return std::nullopt;
      return seconds->count();
    }
    return base::to_long(text);
  }

  void set_range(Entry& entry) const {
    const std::string& range = entry.range;
    const auto dots = range.find("..");
    if (dots == std::string::npos) fail("a range is LOW..HIGH, LOW.. or ..HIGH");
    if (entry.type == Type::boolean || entry.kind == Kind::function) fail("this type has no range");
    const std::string low(base::trim(range.substr(0, dots)));
    const std::string high(base::trim(range.substr(dots + 2)));
    if (low.empty() && high.empty()) fail("a range needs at least one end");
    if (!low.empty()) {
      const auto minimum = number(entry, low);
      if (!minimum) fail("\"" + low + "\" does not fit the type");
      entry.minimum = *minimum;
    }
    if (!high.empty()) {
      const auto maximum = number(entry, high);
      if (!maximum) fail("\"" + high + "\" does not fit the type");
      entry.maximum = *maximum;
    }
    if (entry.minimum > entry.maximum) fail("the range is reversed");
  }

  // @POSTRIDER_...@ replaced by what CMake says; @name for a computed default is left alone.
  std::string substituted(std::string_view value) const {
    std::string result;
    while (true) {
      const auto start = value.find("@POSTRIDER_");
      if (start == std::string_view::npos) return result + std::string(value);
      const auto end = value.find('@', start + 1);
      if (end == std::string_view::npos) fail("a @POSTRIDER_ that does not end in @");
      const auto variable = variables_.find(value.substr(start + 1, end - start - 1));
      if (variable == variables_.end())
        fail("unknown build variable " + std::string(value.substr(start, end - start + 1)));
      result += value.substr(0, start);
      result += variable->second;
      value.remove_prefix(end + 1);
    }
  }

  void documentation(Entry& entry) {
    skip_empty_lines();
    bool fresh = true;
    for (; !at_end() && !is_heading(); ++next_) {
      const std::string_view line = current();
      if (line.empty()) {
        fresh = true;
        continue;
      }
      const bool is_example = line.starts_with("  ");
      if (!is_example && base::is_blank(line.front()))
        fail("a line of documentation begins with no blank, or with two (an example)");
      // An example keeps its empty lines, so that a listing stays in one piece.
      const bool continues = !entry.documentation.empty() && entry.documentation.back().is_example == is_example;
      if (!continues || (fresh && !is_example)) {
        entry.documentation.push_back({is_example, {}});
      } else if (fresh) {
        entry.documentation.back().lines.emplace_back();
      }
      entry.documentation.back().lines.emplace_back(line);
      fresh = false;
    }
    if (entry.documentation.empty()) fail_at(entry.line, "the documentation is missing");
  }

  void check(Entry& entry) const {
    if (entry.kind == Kind::obsolete) {
      if (entry.advice.empty()) fail_at(entry.line, "an obsolete name needs an advice");
      if (!entry.default_value.empty())
        fail_at(entry.line, "an obsolete name has no default: a value means that someone set it");
    }
    const std::string& value = entry.default_value;
    const bool is_computed = value.size() > 1 && value.front() == '@' && is_name(std::string_view(value).substr(1));
    if (entry.kind == Kind::obsolete || entry.kind == Kind::function || value.contains('$') || is_computed) return;
    const std::string clause = "the default \"" + value + "\" ";
    std::optional<std::int64_t> measure;
    switch (entry.type) {
      case Type::text:
      case Type::raw:
        measure = static_cast<std::int64_t>(value.size());
        break;
      case Type::boolean:
        if (value != "yes" && value != "no") fail_at(entry.line, clause + "is neither yes nor no");
        return;
      case Type::integer:
      case Type::big_integer:
        measure = number(entry, value);
        if (!measure || (entry.type == Type::integer && static_cast<int>(*measure) != *measure)) {
          fail_at(entry.line, clause + "is not a number");
        }
        break;
      case Type::time:
        measure = number(entry, value);
        if (!measure) fail_at(entry.line, clause + "is not a time");
        break;
    }
    if (*measure < entry.minimum || *measure > entry.maximum) fail_at(entry.line, clause + "is out of range");
  }

  const std::string& path_;
  const Variables& variables_;
  std::vector<Entry>& entries_;
  std::vector<std::string> lines_;
  std::size_t next_ = 0;
  std::string area_;
};

}  // namespace

void read_params_file(const std::string& path, const Variables& variables, std::vector<Entry>& entries) {
  Reader(path, variables, entries).run();
}

void sort_by_name(std::vector<Entry>& entries) {
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    return std::tie(a.name, a.file, a.line) < std::tie(b.name, b.file, b.line);
  });
  for (std::size_t i = 1; i < entries.size(); ++i) {
    const Entry& first = entries[i - 1];
    const Entry& second = entries[i];
    if (first.name == second.name) {
      throw Mistake(second.file, second.line,
                    "\"" + second.name + "\" is already declared in " + first.file + ":" + std::to_string(first.line));
    }
  }
}

}  // namespace paramgen
