#include "table/cidr.h"

#include <algorithm>

#include "base/text.h"
#include "table/source_files.h"
#include "table/types.h"

namespace table {

namespace {

// Below this a scan is as fast.
constexpr std::size_t kShortestRun = 8;

std::string_view leading_word(std::string_view text) {
  std::size_t size = 0;
  while (size < text.size() && base::is_alnum(text[size])) ++size;
  return text.substr(0, size);
}

// Takes the exclamation marks off the text; whether their number is odd.
bool take_negation(std::string_view& text) {
  bool negated = false;
  while (!text.empty() && (text.front() == '!' || base::is_blank(text.front()))) {
    if (text.front() == '!') negated = !negated;
    text.remove_prefix(1);
  }
  return negated;
}

}  // namespace

// A network of one family says nothing about addresses of the other, negated or not.
bool CidrTable::Rule::applies(const IpAddress& address) const {
  return network.address.is_v6 == address.is_v6 && network.contains(address) != negated;
}

std::expected<std::unique_ptr<CidrTable>, Error> CidrTable::read(std::string name, RuleLines lines,
                                                                 bool values_are_files) {
  std::unique_ptr<CidrTable> table(new CidrTable(std::move(name)));
  std::vector<Rule>& rules = table->rules_;
  std::vector<std::size_t> open_ifs;
  while (true) {
    const auto line = lines.next();
    if (!line) return std::unexpected(line.error());
    if (!*line) break;
    const int number = (*line)->number;
    const auto skip = [&](std::string_view problem) {
      lines.warn(number, fmt::format("{}: skipping this rule", problem));
    };
    std::string_view text = (*line)->text;
    const std::string_view word = leading_word(text);
    if (base::equals_folded(word, "endif")) {
      if (!base::trim(text.substr(word.size())).empty()) {
        skip("garbage after ENDIF");
      } else if (open_ifs.empty()) {
        skip("ENDIF without IF");
      } else {
        rules[open_ifs.back()].after = rules.size();
        open_ifs.pop_back();
      }
      continue;
    }
    const bool is_if = base::equals_folded(word, "if");
    if (is_if) text.remove_prefix(word.size());
    const bool negated = take_negation(text);
    // The pattern of an if is all the rest: nothing may follow it.
    const std::size_t size = is_if ? text.size() : std::min(text.find_first_of(base::kBlanks), text.size());
    const std::string_view pattern = base::trim_right(text.substr(0, size));
    std::string result(base::trim(text.substr(size)));
    if (pattern.empty()) {
      skip("no address pattern");
      continue;
    }
    const auto network = parse_network(pattern);
    if (!network) {
      skip(network.error());
      continue;
    }
    if (!is_if && result.empty()) {
      skip("no lookup result");
      continue;
    }
    if (!is_if && values_are_files) {
      auto content = encode_files(result);
      if (!content) {
        skip(content.error().text);
        continue;
      }
      result = std::move(*content);
    }
    if (is_if) open_ifs.push_back(rules.size());
    rules.push_back({number, is_if, negated, *network, std::move(result)});
  }
  for (; !open_ifs.empty(); open_ifs.pop_back()) {
    rules[open_ifs.back()].after = rules.size();
    lines.warn(rules[open_ifs.back()].line, "IF has no matching ENDIF");
  }
  table->index_runs();
  return table;
}

// A run of plain rules may be searched as a whole, unless something jumps into its middle: each end of a block ends a
// run.
void CidrTable::index_runs() {
  std::vector<bool> jumped_to(rules_.size() + 1, false);
  for (const Rule& rule : rules_) {
    if (rule.is_if) jumped_to[rule.after] = true;
  }
  for (std::size_t start = 0; start < rules_.size();) {
    std::size_t end = start;
    while (end < rules_.size() && rules_[end].is_plain() && (end == start || !jumped_to[end])) ++end;
    if (end - start >= kShortestRun) {
      rules_[start].run_end = end;
      rules_[start].run = runs_.size();
      NetworkIndex& index = runs_.emplace_back();
      for (std::size_t i = start; i < end; ++i) index.add(rules_[i].network, static_cast<std::uint32_t>(i));
    }
    start = std::max(end, start + 1);
  }
}

Answer CidrTable::lookup(std::string_view key) {
  const auto address = parse_address(key);
  if (!address) return std::nullopt;
  for (std::size_t i = 0; i < rules_.size();) {
    const Rule& rule = rules_[i];
    if (rule.run_end > 0) {
      const std::uint32_t found = runs_[rule.run].lowest(*address);
      if (found != NetworkIndex::kNone) return rules_[found].result;
      i = rule.run_end;
      continue;
    }
    const bool yes = rule.applies(*address);
    if (yes && !rule.is_if) return rule.result;
    i = rule.is_if && !yes ? rule.after : i + 1;
  }
  return std::nullopt;
}

Answer CidrTable::lookup_without_index(std::string_view key) const {
  const auto address = parse_address(key);
  if (!address) return std::nullopt;
  for (std::size_t i = 0; i < rules_.size();) {
    const Rule& rule = rules_[i];
    const bool yes = rule.applies(*address);
    if (yes && !rule.is_if) return rule.result;
    i = rule.is_if && !yes ? rule.after : i + 1;
  }
  return std::nullopt;
}

Opened open_cidr(const std::string& argument, const Settings&, const Options& options) {
  if (options.access != Access::read) return std::unexpected(read_only("cidr:" + argument));
  auto lines = RuleLines::open("cidr", argument);
  if (!lines) return std::unexpected(lines.error());
  return CidrTable::read("cidr:" + argument, std::move(*lines), options.values_are_files);
}

}  // namespace table
