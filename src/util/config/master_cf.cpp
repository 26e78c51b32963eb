#include "config/master_cf.h"

#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <map>

#include "base/fd.h"
#include "base/file.h"
#include "base/logical_lines.h"
#include "base/text.h"

namespace config {

namespace {

struct TypeName {
  ServiceType type;
  std::string_view name;
};
constexpr std::array kTypes = {
    TypeName{ServiceType::inet, "inet"},
    TypeName{ServiceType::unix_stream, "unix"},
    TypeName{ServiceType::unix_datagram, "unix-dgram"},
    TypeName{ServiceType::fifo, "fifo"},
    TypeName{ServiceType::pass, "pass"},
};

// Far more than any system runs; a file of another kind must not fill the memory.
constexpr std::size_t kMostServices = 10'000;

bool is_flag(std::string_view text) {
  return text == "y" || text == "n" || text == "-";
}

bool is_count(std::string_view text) {
  return text == "-" || base::all_digits(text);
}

bool is_wakeup(std::string_view text) {
  if (text.size() > 1 && text.ends_with('?')) text.remove_suffix(1);
  return is_count(text);
}

std::unexpected<base::Error> invalid(std::string_view field, std::string_view text, std::string_view allowed) {
  return std::unexpected(
      base::Error{fmt::format("invalid {} field \"{}\"; specify {}", field, base::printable(text), allowed)});
}

std::string at(const Origin& where, std::string_view text) {
  return fmt::format("{}: {}", where.text(), text);
}

std::expected<MasterCf, base::Error> read_lines(base::LogicalLineReader& reader) {
  MasterCf file;
  while (true) {
    auto line = reader.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) return file;
    const Origin where{reader.name(), (*line)->first_line};
    const std::string& text = (*line)->text;
    if (base::is_blank(text.front())) {
      file.remarks.push_back({"config.orphan_continuation", where,
                              fmt::format("logical line must not start with whitespace: \"{}\"",
                                          base::printable(base::trim_right(text)))});
      continue;
    }
    auto service = parse_service_line(text);
    if (!service) return std::unexpected(base::Error{at(where, service.error().text)});
    if (file.lines.size() == kMostServices) {
      return std::unexpected(base::Error{at(where, fmt::format("more than {} services", kMostServices))});
    }
    service->where = where;
    file.lines.push_back(std::move(*service));
  }
}

// Seconds or processes; the digits have been checked.
std::expected<int, base::Error> to_count(std::string_view field, std::string_view digits) {
  const auto number = base::to_long(digits);
  if (!number || *number > INT_MAX) return invalid(field, digits, fmt::format("a number up to {}", INT_MAX));
  return static_cast<int>(*number);
}

// The argument of -o in the form "name=value", whatever form the file has.
std::string plain_override(const Unwrapped& word, bool was_group, std::vector<std::string>& problems) {
  auto setting = split_name_value(word.text);
  if (!setting) {
    problems.push_back(setting.error().text);
    return word.text;
  }
  if (!was_group) return word.text;
  return setting->name + '=' + setting->value;
}

}  // namespace

std::string_view name_of(ServiceType type) {
  for (const TypeName& known : kTypes) {
    if (known.type == type) return known.name;
  }
  return {};
}

std::optional<ServiceType> service_type(std::string_view name) {
  for (const TypeName& known : kTypes) {
    if (known.name == name) return known.type;
  }
  return std::nullopt;
}

std::string ServiceLine::text() const {
  std::string line =
      fmt::format("{} {} {} {} {} {} {}", name, type, private_field, unprivileged, chroot, wakeup, process_limit);
  for (const std::string& word : command) line.append(1, ' ').append(word);
  return line;
}

std::vector<std::string_view> split_words(std::string_view text) {
  std::vector<std::string_view> words;
  std::size_t start = 0;
  while (start < text.size()) {
    if (base::is_blank(text[start])) {
      ++start;
      continue;
    }
    std::size_t end = start;
    int depth = 0;
    for (; end < text.size() && (depth > 0 || !base::is_blank(text[end])); ++end) {
      if (text[end] == '{') ++depth;
      if (text[end] == '}' && depth > 0) --depth;
    }
    words.push_back(base::trim_right(text.substr(start, end - start)));
    start = end;
  }
  return words;
}

Unwrapped unwrap(std::string_view word) {
  if (!word.starts_with('{')) return {std::string(word), {}};
  const std::size_t length = base::balanced(word);
  if (length == 0) {
    return {std::string(base::trim(word.substr(1))), fmt::format("missing '}}' in \"{}\"", base::printable(word))};
  }
  Unwrapped result{std::string(base::trim(word.substr(1, length - 2))), {}};
  if (length < word.size()) result.problem = fmt::format("syntax error after '}}' in \"{}\"", base::printable(word));
  return result;
}

std::string wrap(std::string_view text) {
  const bool one_word = !text.empty() && text.front() != '{' && std::ranges::none_of(text, base::is_blank);
  return one_word ? std::string(text) : fmt::format("{{{}}}", text);
}

Arguments arguments_of(const ServiceLine& line) {
  Arguments result;
  const auto take = [&result](std::string_view word) {
    Unwrapped content = unwrap(word);
    if (!content.problem.empty()) result.problems.push_back(content.problem);
    return content;
  };
  std::size_t next = 1;
  for (; next < line.command.size(); ++next) {
    const std::string word = take(line.command[next]).text;
    if (word.size() < 2 || word[0] != '-' || word == "--") break;
    for (std::size_t letter = 1; letter < word.size(); ++letter) {
      if (word[letter] != 'o') {
        // Letters that stand together stay together: -vv is printed as it was written.
        const std::size_t end = std::min(word.find('o', letter), word.size());
        result.options.push_back({"-" + word.substr(letter, end - letter), false});
        letter = end - 1;
        continue;
      }
      if (letter + 1 < word.size()) {
        const Unwrapped attached = unwrap(word.substr(letter + 1));
        result.options.push_back({plain_override(attached, true, result.problems), true});
      } else if (next + 1 < line.command.size()) {
        const std::string& value = line.command[++next];
        result.options.push_back({plain_override(take(value), value.starts_with('{'), result.problems), true});
      } else {
        result.options.push_back({"-o", false});
        result.problems.emplace_back("option -o without name=value");
      }
      break;
    }
  }
  for (; next < line.command.size(); ++next) result.others.push_back(take(line.command[next]).text);
  return result;
}

std::expected<void, base::Error> check_field(std::string_view field, std::string_view text) {
  if (field == "type") {
    if (!service_type(text)) return invalid(field, text, "inet, unix, unix-dgram, fifo or pass");
  } else if (field == "wakeup") {
    if (!is_wakeup(text)) return invalid(field, text, "a number of seconds, a number with ? after it, or -");
  } else if (field == "process_limit") {
    if (!is_count(text)) return invalid(field, text, "a number or -");
  } else if (!is_flag(text)) {
    return invalid(field, text, "y, n or -");
  }
  return {};
}

std::expected<ServiceLine, base::Error> parse_service_line(std::string_view text) {
  const auto words = split_words(text);
  if (words.size() < 8)
    return std::unexpected(base::Error{"bad field count: \"" + base::printable(base::trim(text)) + '"'});
  ServiceLine line;
  line.name = words[0];
  line.type = words[1];
  line.private_field = words[2];
  line.unprivileged = words[3];
  line.chroot = words[4];
  line.wakeup = words[5];
  line.process_limit = words[6];
  line.command.assign(words.begin() + 7, words.end());
  const std::array<std::pair<std::string_view, const std::string*>, 6> checked = {
      {{"type", &line.type},
       {"private", &line.private_field},
       {"unprivileged", &line.unprivileged},
       {"chroot", &line.chroot},
       {"wakeup", &line.wakeup},
       {"process_limit", &line.process_limit}}};
  for (const auto& [field, value] : checked) {
    if (auto good = check_field(field, *value); !good) return std::unexpected(good.error());
  }
  return line;
}

std::expected<MasterCf, base::Error> read_master_cf(const std::string& path, bool must_exist) {
  if (!must_exist && ::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return MasterCf{};
  auto fd = base::open_for_reading(path);
  if (!fd) return std::unexpected(fd.error());
  base::LogicalLineReader reader(fd->get(), path, base::kConfigLineLimits);
  return read_lines(reader);
}

std::expected<MasterCf, base::Error> parse_master_cf(std::string_view text, const std::string& name_for_messages) {
  base::LogicalLineReader reader(text, name_for_messages, base::kConfigLineLimits);
  return read_lines(reader);
}

std::vector<const ServiceLine*> effective_lines(const MasterCf& file, std::vector<Remark>& remarks) {
  std::vector<const ServiceLine*> lines;
  std::map<std::pair<std::string_view, std::string_view>, std::size_t> places;
  for (const ServiceLine& line : file.lines) {
    const auto [known, is_new] = places.try_emplace({line.name, line.type}, lines.size());
    if (is_new) {
      lines.push_back(&line);
      continue;
    }
    remarks.push_back({"config.duplicate_service", line.where,
                       fmt::format("duplicate entry for service {}/{}; it replaces the one at line {}", line.name,
                                   line.type, lines[known->second]->where.line)});
    lines[known->second] = &line;
  }
  return lines;
}

std::expected<Service, base::Error> interpret(const ServiceLine& line, const ServiceDefaults& defaults) {
  const auto wrong = [&line](std::string_view text) { return std::unexpected(base::Error{at(line.where, text)}); };
  Service service{};
  service.name = line.name;
  service.where = line.where;
  const auto type = service_type(line.type);
  if (!type) return wrong(check_field("type", line.type).error().text);
  service.type = *type;
  service.is_private = line.private_field != "n";
  if (service.type == ServiceType::inet && service.is_private) {
    return wrong(fmt::format("invalid private field \"{}\"; a service of type inet cannot be private: specify n",
                             line.private_field));
  }
  service.unprivileged = line.unprivileged != "n";
  service.chroot = line.chroot == "-" ? defaults.chroot : line.chroot == "y";
  if (line.wakeup != "-") {
    std::string_view digits = line.wakeup;
    service.wakeup_only_if_used = digits.ends_with('?');
    if (service.wakeup_only_if_used) digits.remove_suffix(1);
    auto seconds = to_count("wakeup", digits);
    if (!seconds) return wrong(seconds.error().text);
    service.wakeup = *seconds;
  }
  service.process_limit = defaults.process_limit;
  if (line.process_limit != "-") {
    auto limit = to_count("process_limit", line.process_limit);
    if (!limit) return wrong(limit.error().text);
    service.process_limit = *limit;
  }
  service.program = line.command.front();
  Arguments arguments = arguments_of(line);
  if (!arguments.problems.empty()) return wrong(fmt::format("{}: {}", service.program, arguments.problems.front()));
  for (Arguments::Option& option : arguments.options) {
    if (!option.is_override) {
      service.arguments.push_back(std::move(option.text));
    } else if (auto setting = split_name_value(option.text)) {
      service.overrides.push_back(std::move(*setting));
    }
  }
  std::ranges::move(arguments.others, std::back_inserter(service.arguments));
  return service;
}

}  // namespace config
