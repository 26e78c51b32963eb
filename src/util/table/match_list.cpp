#include "table/match_list.h"

#include "base/file.h"
#include "base/logical_lines.h"
#include "base/text.h"
#include "logging/log.h"
#include "table/arguments.h"
#include "table/fold.h"
#include "table/ip_network.h"
#include "table/pool.h"
#include "table/retry.h"
#include "table/search.h"

namespace table {

namespace {

// A list that includes lists: enough for any honest one, and an end for one that includes itself.
constexpr int kDeepestFile = 20;
constexpr int kMostFiles = 1000;
constexpr std::size_t kLongestFile = 64 * 1024 * 1024;

bool looks_like_network(std::string_view text) {
  return text.contains('/') && text.find_first_not_of("0123456789abcdefABCDEF.:/[]") == std::string_view::npos;
}

bool looks_like_bare_ipv6(std::string_view text) {
  return parse_address(text.substr(0, text.find('/'))).has_value();
}

// Clients that came over an IPv6 socket by IPv4 count as what they are.
std::optional<IpAddress> client_address(std::string_view text) {
  constexpr std::string_view kMapped = "::ffff:";
  if (base::starts_with_folded(text, kMapped)) {
    const auto inner = parse_address(text.substr(kMapped.size()));
    if (inner && !inner->is_v6) return inner;
  }
  return parse_address(text);
}

}  // namespace

struct MatchList::Pattern {
  bool negated = false;
  std::string text;                  // folded
  std::optional<IpNetwork> network;  // when the text is one
  std::shared_ptr<Table> table;      // type:table
  std::shared_ptr<Retry> retry;      // of one that could not be opened
  std::optional<Error> mistake;      // what each look-up gets that comes here
  std::optional<Error> bad_network;  // ... that has an address
  std::optional<Error> remark;       // for check() only: legal, but it never matches
};

// Takes a value apart into patterns.
class MatchList::Reader {
 public:
  Reader(MatchList& list, const Settings& settings) : list_(list), settings_(settings) {}

  void read(std::string_view value, const std::string& place, bool negated) {
    for (std::string_view item : split_items(value)) {
      bool no = negated;
      for (; item.starts_with('!'); item.remove_prefix(1)) no = !no;
      if (item.empty()) {
        add_mistake(no, place + "no pattern after '!'");
      } else if (item.starts_with('/')) {
        read_file(std::string(item), place, no);
      } else if (item.contains(':') && !item.starts_with('[')) {
        add_table(item, place, no);
      } else {
        add_text(item, place, no);
      }
    }
  }

 private:
  Error error(std::string_view text) const { return {fmt::format("{}: {}", list_.parameter_, text), true}; }

  Pattern& add(bool negated) {
    Pattern& pattern = list_.patterns_.emplace_back();
    pattern.negated = negated;
    return pattern;
  }

  void add_mistake(bool negated, const std::string& text) { add(negated).mistake = error(text); }

  void add_text(std::string_view item, const std::string& place, bool negated) {
    Pattern& pattern = add(negated);
    pattern.text = list_.folded(item);
    if (item.starts_with('{')) {
      pattern.remark = error(fmt::format("{}braces make no group here: \"{}\" never matches", place, item));
    }
    if (looks_like_network(item)) {
      if (auto network = parse_network(item)) {
        pattern.network = *network;
      } else {
        pattern.bad_network = error(place + network.error());
      }
    } else if (const auto address = parse_network(item)) {
      pattern.network = *address;
    }
  }

  void add_table(std::string_view item, const std::string& place, bool negated) {
    Pattern& pattern = add(negated);
    pattern.text = std::string(item);
    auto opened = open_shared(item, settings_);
    if (opened) {
      pattern.table = std::move(*opened);
      return;
    }
    std::string text = fmt::format("{}{}: table lookup problem: {}", place, item, opened.error().text);
    if (looks_like_bare_ipv6(item)) {
      const auto slash = std::min(item.find('/'), item.size());
      text += fmt::format(" (specify [{}]{} for an IPv6 address)", item.substr(0, slash), item.substr(slash));
    }
    pattern.mistake = error(text);
    pattern.mistake->permanent = opened.error().permanent;
    pattern.retry = std::make_shared<Retry>(std::string(item), settings_);
  }

  void read_file(const std::string& path, const std::string& place, bool negated) {
    if (++files_ > kMostFiles || std::ssize(reading_) >= kDeepestFile) {
      add_mistake(negated,
                  fmt::format("{}open file {}: too many levels of /file patterns, or too many files", place, path));
      return;
    }
    if (std::ranges::find(reading_, path) != reading_.end()) {
      add_mistake(negated, fmt::format("{}open file {}: the file includes itself", place, path));
      return;
    }
    const auto content = base::read_file(path, kLongestFile);
    if (!content) {
      add_mistake(negated, place + in_words_of_postfix(content.error().text));
      return;
    }
    reading_.push_back(path);
    base::LogicalLineReader lines(*content, path, base::kConfigLineLimits);
    while (true) {
      const auto line = lines.next();
      if (!line) {
        add_mistake(negated, line.error().text);
        break;
      }
      if (!*line) break;
      read(without_comment(**line, path), fmt::format("{}, line {}: ", path, (*line)->first_line), negated);
    }
    reading_.pop_back();
  }

  static std::string in_words_of_postfix(std::string text) {
    constexpr std::string_view kOpen = "open ";
    return text.starts_with(kOpen) ? "open file " + text.substr(kOpen.size()) : text;
  }

  // People write comments behind patterns; what they say is not meant as patterns.
  std::string_view without_comment(const base::LogicalLine& line, const std::string& path) const {
    const std::string_view text = line.text;
    for (auto place = text.find('#'); place != std::string_view::npos; place = text.find('#', place + 1)) {
      if (place > 0 && !base::kListSeparators.contains(text[place - 1])) continue;
      logging::warning("match_list.comment",
                       "{parameter}: {file}, line {line}: comment at end of line is not supported: {comment}",
                       {{"parameter", list_.parameter_},
                        {"file", path},
                        {"line", line.first_line},
                        {"comment", text.substr(place)}});
      return text.substr(0, place);
    }
    return text;
  }

  MatchList& list_;
  const Settings& settings_;
  std::vector<std::string> reading_;  // files, the innermost last
  int files_ = 0;
};

MatchList::MatchList(std::string_view parameter, std::string_view value, const Settings& settings, Rules rules)
    : parameter_(parameter), rules_(rules), utf8_(settings.smtputf8) {
  Reader(*this, settings).read(value, "", false);
}

MatchList::~MatchList() = default;
MatchList::MatchList(MatchList&&) noexcept = default;

std::string MatchList::folded(std::string_view text) const {
  return fold_key(text, utf8_);
}

// Patterns in order until `matches` says yes to one, or cannot tell.
template <typename Matches>
MatchList::Matched MatchList::first_of(Matches matches) const {
  for (const Pattern& pattern : patterns_) {
    if (pattern.mistake) return std::unexpected(*pattern.mistake);
    const Matched matched = matches(pattern);
    if (!matched) return matched;
    if (*matched) return !pattern.negated;
  }
  return false;
}

MatchList::Matched MatchList::table_has(const Pattern& pattern, std::string_view key) const {
  if (key.empty()) return false;
  const Answer answer = pattern.table->lookup(key);
  if (answer) return answer->has_value();
  return std::unexpected(
      Error{fmt::format("{}: {}: table lookup problem: {}", parameter_, pattern.text, answer.error().text),
            answer.error().permanent});
}

MatchList::Matched MatchList::domain_matches(const Pattern& pattern, std::string_view folded_domain) const {
  if (folded_domain.empty()) return false;
  if (pattern.table != nullptr) {
    for (const SearchKey& key : domain_keys(folded_domain, rules_.parent_matches_subdomains)) {
      if (key.reach == KeyReach::fixed_only && pattern.table->key_form() == KeyForm::pattern) continue;
      const Matched matched = table_has(pattern, key.key);
      if (!matched || *matched) return matched;
    }
    return false;
  }
  if (pattern.text == folded_domain) return true;
  if (!folded_domain.ends_with(pattern.text) || base::all_digits(folded_domain.substr(folded_domain.rfind('.') + 1))) {
    return false;
  }
  if (!rules_.parent_matches_subdomains) return pattern.text.starts_with('.') && pattern.text.size() > 1;
  return !pattern.text.starts_with('.') && folded_domain[folded_domain.size() - pattern.text.size() - 1] == '.';
}

MatchList::Matched MatchList::has_string(std::string_view text) const {
  const std::string key = folded(text);
  return first_of([&](const Pattern& pattern) -> Matched {
    return pattern.table != nullptr ? table_has(pattern, text) : Matched(!key.empty() && pattern.text == key);
  });
}

MatchList::Matched MatchList::has_domain(std::string_view domain) const {
  const std::string key = folded(domain);
  return first_of([&](const Pattern& pattern) { return domain_matches(pattern, key); });
}

MatchList::Matched MatchList::has_host(std::string_view name, std::string_view address) const {
  const std::string folded_name = folded(name);
  const auto client = client_address(address);
  const std::string client_text = client ? address_text(*client) : folded(address);
  return first_of([&](const Pattern& pattern) -> Matched {
    const Matched by_name = domain_matches(pattern, folded_name);
    if (!by_name || *by_name) return by_name;
    if (pattern.table != nullptr) return table_has(pattern, client_text);
    if (pattern.bad_network) return std::unexpected(*pattern.bad_network);
    if (pattern.network && client) return pattern.network->contains(*client);
    return !client_text.empty() && pattern.text == client_text;
  });
}

MatchList::Matched MatchList::has_address(std::string_view address) const {
  const std::string key = folded(address);
  const auto at = key.rfind('@');
  const std::string domain = at == std::string::npos ? std::string() : key.substr(at + 1);
  return first_of([&](const Pattern& pattern) -> Matched {
    if (pattern.table != nullptr) {
      const Matched whole = table_has(pattern, address);
      if (!whole || *whole) return whole;
      // A table of patterns has seen the domain as a part of the address.
      if (pattern.table->key_form() == KeyForm::pattern) return false;
      return domain_matches(pattern, domain);
    }
    if (pattern.text.contains('@')) return pattern.text == key;
    return domain_matches(pattern, domain);
  });
}

std::vector<Error> MatchList::check() const {
  std::vector<Error> errors;
  for (const Pattern& pattern : patterns_) {
    for (const auto* problem : {&pattern.mistake, &pattern.bad_network, &pattern.remark}) {
      if (*problem) errors.push_back(**problem);
    }
  }
  return errors;
}

bool MatchList::empty() const {
  return patterns_.empty();
}

bool MatchList::has_changed() const {
  return std::ranges::any_of(patterns_, [](const Pattern& pattern) {
    if (pattern.retry != nullptr) return pattern.retry->can_be_opened();
    return pattern.table != nullptr && pattern.table->has_changed();
  });
}

}  // namespace table
