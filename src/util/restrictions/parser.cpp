#include "restrictions/parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "restrictions/client.h"

namespace restrictions {

namespace {

constexpr std::string_view kWarnIfReject = "warn_if_reject";

template <typename Words>
bool contains(const Words& words, std::string_view word) {
  return std::ranges::find(words, word) != std::ranges::end(words);
}

// What a table may stand for.
constexpr std::string_view kStandFor[] = {"check_client_access",    "check_reverse_client_hostname_access",
                                          "check_helo_access",      "check_sender_access",
                                          "check_recipient_access", "check_etrn_access"};
// As what a class is parsed: for every list.
constexpr std::string_view kAnyList = "any list";

// Removed with Postfix 3.9, and what to write instead.
struct Removed {
  std::string_view name;
  std::string_view instead;
};
constexpr Removed kRemoved[] = {
    {"permit_naked_ip_address", "permit_mynetworks or permit_sasl_authenticated"},
    {"reject_maps_rbl", "reject_rbl_client domain-name"},
    {"check_relay_domains", "reject_unauth_destination"},
};
const Removed* find_removed(std::string_view word) {
  const auto row = std::ranges::find_if(kRemoved, [&](const Removed& r) { return base::equals_folded(r.name, word); });
  return row == std::end(kRemoved) ? nullptr : &*row;
}

// After which nothing in a list is ever asked.
bool is_final(std::string_view word) {
  return base::equals_folded(word, "permit") || base::equals_folded(word, "reject") ||
         base::equals_folded(word, "defer");
}

// Whether the last item follows warn_if_reject.
bool only_warns(const List& list) {
  return list.items.size() > 1 && list.items[list.items.size() - 2].is_warn_if_reject;
}

bool is_group(std::string_view word) {
  return word.starts_with('{');
}
bool is_table(std::string_view word) {
  const auto colon = word.find(':');
  return !is_group(word) && colon != std::string_view::npos && colon != 0 && colon + 1 < word.size();
}

// A restriction class, by its name: the classes may be defined in any order.
class UseOfClass : public Restriction {
 public:
  UseOfClass(const Environment& environment, std::string_view name) : environment_(environment), name_(name) {}
  Outcome ask(Evaluation& evaluation) const override {
    const List* list = environment_.find_class(name_);
    if (list == nullptr) return dunno();
    if (evaluation.observer != nullptr) evaluation.observer->entered(list->name, list->origin);
    Outcome outcome = restrictions::ask(evaluation, *list);
    if (evaluation.observer != nullptr) evaluation.observer->left(list->name, name_of(outcome.verdict));
    return outcome;
  }

 private:
  const Environment& environment_;
  std::string name_;
};

// A table without a name before it, in a class: the list from which the class is asked says what it stands for.
class UseOfTable : public Restriction {
 public:
  UseOfTable(const Environment& environment, std::string_view table) : table_(table) {
    for (const std::string_view name : kStandFor) {
      meanings_.emplace_back(name, find_name(name)->make(environment, table));
    }
  }
  Outcome ask(Evaluation& evaluation) const override {
    for (const auto& [name, restriction] : meanings_) {
      if (name == evaluation.bare) return restriction->ask(evaluation);
    }
    return evaluation.configuration_error(fmt::format("specify one of ({}) before {} restriction \"{}\"",
                                                      fmt::join(kStandFor, ", "), evaluation.target.kind, table_));
  }
  bool has_changed() const override { return meanings_.front().second->has_changed(); }

 private:
  std::string table_;
  std::vector<std::pair<std::string_view, std::unique_ptr<Restriction>>> meanings_;
};

// In the log, in Postfix's words.
std::string unknown_text(std::string_view word) {
  return fmt::format("unknown smtpd restriction: \"{}\"", word);
}
std::string bad_argument_text(std::string_view word, std::string_view argument, std::string_view wanted) {
  return fmt::format("restriction {}: bad argument \"{}\": need {}", word, argument,
                     wanted == "type:table" ? "maptype:mapname" : wanted);
}

// What nobody knows or can make sense of.
class Nonsense : public Restriction {
 public:
  explicit Nonsense(std::string warning) : warning_(std::move(warning)) {}
  Outcome ask(Evaluation& evaluation) const override { return evaluation.configuration_error(warning_); }

 private:
  std::string warning_;
};

}  // namespace

std::vector<std::string_view> words_of(std::string_view text) {
  return base::split_grouped(text);
}

class Parser::Words {
 public:
  explicit Words(std::string_view text) : words_(words_of(text)) {}
  bool at_end() const { return next_ == words_.size(); }
  std::string_view peek() const { return at_end() ? std::string_view() : words_[next_]; }
  std::string_view take() { return words_[next_++]; }

 private:
  std::vector<std::string_view> words_;
  std::size_t next_ = 0;
};

Parser::Parser(const Environment& environment) : environment_(environment) {
  const std::string& names = environment.config[config::param::smtpd_restriction_classes];
  const std::string origin = place_of(environment.config, "smtpd_restriction_classes");
  for (const std::string_view name : base::split(names)) {
    if (find_name(name) != nullptr || base::equals_folded(name, kWarnIfReject)) {
      hopeless(origin, "smtpd_restriction_classes", fmt::format("\"{}\" is a restriction of its own", name));
    } else if (!contains(class_names_, name)) {
      class_names_.emplace_back(name);
    }
  }
  for (const std::string& name : class_names_) {
    std::optional<std::string> text;
    try {
      text = environment.config.value(name);
    } catch (const config::BadValue& bad) {
      hopeless(bad.what());
      continue;
    }
    if (!text) {
      hopeless(origin, "smtpd_restriction_classes",
               fmt::format("restriction class \"{}\" is not defined: there is no parameter \"{}\"", name, name));
      continue;
    }
    classes_.insert_or_assign(name, parse(name, *text, kAnyList));
  }
  find_circles();
}

void Parser::hopeless(std::string text) {
  hopeless_ = true;
  mistakes_.push_back({std::move(text)});
}

void Parser::hopeless(std::string_view origin, std::string_view list, std::string_view text) {
  hopeless(fmt::format("{}: {}: {}", origin, list, base::printable(text)));
}

void Parser::mistake(List& list, std::string_view word, std::string_view text, std::string warning) {
  mistakes_.push_back({fmt::format("{}: {}: {}", list.origin, list.name, base::printable(text))});
  list.items.push_back({std::string(word), std::make_unique<Nonsense>(std::move(warning)), false});
}

List Parser::parse(std::string_view parameter, std::string_view text, std::string_view bare) {
  return parse_with(parameter, text, bare, find_name);
}

List Parser::parse_local_header_clients(std::string_view parameter, std::string_view text) {
  return parse_with(parameter, text, kCheckAddressMap, find_local_header_name);
}

List Parser::parse_with(std::string_view parameter, std::string_view text, std::string_view bare, Find find) {
  const bool is_class = bare == kAnyList;
  List list{std::string(parameter), place_of(environment_.config, parameter), {}, std::string(is_class ? "" : bare)};
  for (Words words(text); !words.at_end();) {
    const std::string_view word = words.take();
    if (find == find_name && base::equals_folded(word, kWarnIfReject)) {
      list.items.push_back({std::string(word), nullptr, true});
    } else if (word.contains(':') || is_group(word)) {
      const Name* name = bare.empty() || is_class ? nullptr : find(bare);
      if (!is_table(word)) {
        mistake(list, word, fmt::format("\"{}\" is neither a restriction nor a table", word), unknown_text(word));
      } else if (is_class) {
        list.items.push_back({std::string(word), std::make_unique<UseOfTable>(environment_, word), false});
      } else if (name == nullptr) {
        const std::string names = fmt::format("{}", fmt::join(kStandFor, ", "));
        mistake(list, word, fmt::format("table \"{}\" needs a restriction before it, one of {}", word, names),
                fmt::format("specify one of ({}) before {} restriction \"{}\"", names, list.name, word));
      } else {
        list.items.push_back({std::string(word), name->make(environment_, word), false});
      }
    } else if (const Name* name = find(word)) {
      add(list, *name, word, words);
    } else if (find == find_name && contains(class_names_, word)) {
      list.items.push_back({std::string(word), std::make_unique<UseOfClass>(environment_, word), false});
      uses_[list.name].emplace_back(word);
    } else {
      unknown(list, word, find);
    }
    if (is_final(word) && !only_warns(list) && !words.at_end()) {
      remarks_.push_back(
          fmt::format("{}: {}: restriction `{}' after `{}' is ignored", list.origin, list.name, words.peek(), word));
      logging::warning("restrictions.ignored", "restriction `{next}' after `{last}' is ignored",
                       {{"next", words.peek()}, {"last", word}, {"list", list.name}, {"origin", list.origin}});
      break;
    }
  }
  return list;
}

void Parser::add(List& list, const Name& name, std::string_view word, Words& words) {
  std::string_view argument;
  if (name.argument != Argument::none) {
    const std::string_view next = words.peek();
    const bool found = !next.empty() && find_name(next) == nullptr && !base::equals_folded(next, kWarnIfReject);
    std::string_view wanted;
    switch (name.argument) {
      case Argument::none:
        break;
      case Argument::word:
        if (!found || is_group(next)) wanted = "an argument";
        break;
      case Argument::table:
        if (!found || !is_table(next)) wanted = "type:table";
        break;
      case Argument::table_or_group:
        if (!found || !(is_table(next) || is_group(next))) wanted = "type:table";
        break;
      case Argument::service:
        if (!found || !(next.contains(':') || is_group(next))) wanted = "inet:host:port or unix:path";
        break;
    }
    if (!wanted.empty()) {
      mistake(list, word,
              next.empty() ? fmt::format("\"{}\" must be followed by {}", word, wanted)
                           : fmt::format("\"{}\" must be followed by {} instead of \"{}\"", word, wanted, next),
              bad_argument_text(word, found ? next : word, wanted));
      if (!found) return;
    }
    argument = words.take();
    if (!wanted.empty()) return;
  }
  try {
    std::string text(word);
    if (!argument.empty()) text += " " + std::string(argument);
    list.items.push_back({std::move(text), name.make(environment_, argument), false});
  } catch (const Mistake& problem) {
    mistake(list, word, fmt::format("\"{} {}\": {}", word, argument, problem.what()),
            fmt::format("restriction {} {}", word, problem.what()));
  } catch (const config::BadValue& bad) {
    hopeless(bad.what());
  }
}

void Parser::unknown(List& list, std::string_view word, Find find) {
  if (const Removed* removed = find_removed(word)) {
    return mistake(list, word,
                   fmt::format("restriction \"{}\" has been removed; use \"{}\" instead", word, removed->instead),
                   unknown_text(word));
  }
  std::string text = fmt::format("unknown restriction \"{}\"", word);
  if (find == find_name) {
    if (const auto near = nearest_name(word, class_names_); !near.empty())
      text += fmt::format("; did you mean \"{}\"?", near);
  } else if (find_name(word) != nullptr) {
    text = fmt::format("\"{}\" is of no use here", word);
  }
  mistake(list, word, text, unknown_text(word));
}

// A class that is asked within itself ends at the limit of recursion.
void Parser::find_circles() {
  std::set<std::string, std::less<>> done;
  std::vector<std::string> way;
  const std::function<void(const std::string&)> visit = [&](const std::string& name) {
    if (const auto seen = std::ranges::find(way, name); seen != way.end()) {
      std::string circle;
      for (auto step = seen; step != way.end(); ++step) circle += *step + " -> ";
      logging::warning("restrictions.circle", "{origin}: restriction class within itself: {circle}",
                       {{"origin", place_of(environment_.config, name)}, {"circle", circle + name}});
      return;
    }
    if (!done.insert(name).second) return;
    way.push_back(name);
    if (const auto used = uses_.find(name); used != uses_.end()) {
      for (const std::string& next : used->second) visit(next);
    }
    way.pop_back();
  };
  for (const std::string& name : class_names_) visit(name);
}

List parse_result(const Environment& environment, std::string_view text) {
  List list{std::string(text), "", {}};
  const auto nonsense = [&](std::string_view word, std::string warning) {
    list.items.push_back({std::string(word), std::make_unique<Nonsense>(std::move(warning)), false});
  };
  const auto words = base::split(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    const Name* name = find_name(word);
    if (base::equals_folded(word, kWarnIfReject)) {
      list.items.push_back({std::string(word), nullptr, true});
    } else if (name != nullptr) {
      std::string_view argument;
      if (name->argument != Argument::none) {
        argument = i + 1 < words.size() ? words[++i] : std::string_view();
        if (name->argument != Argument::word) {
          nonsense(word, bad_argument_text(word, argument.empty() ? word : argument, "type:table"));
          return list;
        }
        if (argument.empty() && !base::equals_folded(word, "sleep")) {
          logging::warning("restrictions.no_argument", "restriction {name} requires domain name argument",
                           {{"name", word}});
          return list;
        }
      }
      try {
        list.items.push_back({std::string(word), name->make(environment, argument), false});
      } catch (const Mistake& problem) {
        nonsense(word, fmt::format("restriction {} {}", word, problem.what()));
        return list;
      }
    } else if (environment.find_class(word) != nullptr) {
      list.items.push_back({std::string(word), std::make_unique<UseOfClass>(environment, word), false});
    } else {
      nonsense(word, unknown_text(word));
      return list;
    }
    if (is_final(word) && !only_warns(list) && i + 1 < words.size()) {
      logging::warning("restrictions.ignored", "restriction `{next}' after `{last}' is ignored",
                       {{"next", words[i + 1]}, {"last", word}});
      return list;
    }
  }
  return list;
}

namespace {

constexpr std::string_view kRefusing[] = {"reject_unauth_destination", "defer_unauth_destination", "reject", "defer",
                                          "defer_if_permit"};

bool refuses(const config::Config& config, std::string_view text, int depth) {
  constexpr int kDeepest = 100;
  if (depth > kDeepest) return false;
  const auto classes = base::split(config[config::param::smtpd_restriction_classes]);
  const auto words = words_of(text);
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (base::equals_folded(word, kWarnIfReject)) {
      ++i;
    } else if (base::equals_folded(word, "permit")) {
      return false;
    } else if (std::ranges::any_of(kRefusing, [&](std::string_view one) { return base::equals_folded(one, word); })) {
      return true;
    } else if (contains(classes, word)) {
      const auto list = config.value(word);
      if (list && refuses(config, *list, depth + 1)) return true;
    }
  }
  return false;
}

}  // namespace

bool refuses_by_default(const config::Config& config, std::string_view text) {
  return refuses(config, text, 0);
}

}  // namespace restrictions
