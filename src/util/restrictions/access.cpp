// What access tables and policy services answer, and what comes of it.

#include <fmt/format.h>

#include "base/text.h"
#include "config/param.h"
#include "logging/log.h"
#include "mail/header.h"
#include "mail/text.h"
#include "restrictions/list.h"

namespace restrictions {

namespace {

// One action on its way.
struct Asked {
  Evaluation& evaluation;
  std::string_view source, key;
  std::string_view word;  // "REJECT", as it was written
  std::string_view text;  // what follows it
  const Target& who;

  std::string about(std::string_view what) const { return fmt::format("<{}>: {} {}", who.name, who.kind, what); }
  std::string rejected(std::string_view why) const { return about(fmt::format("rejected: {}", why)); }
};

void warn_of_entry(const Asked& asked, std::string_view problem) {
  logging::warning("restrictions.bad_entry", "access table {table} entry \"{key}\" {problem}",
                   {{"table", asked.source}, {"key", asked.key}, {"problem", problem}});
}

bool is_in_transaction(const Asked& asked) {
  if (asked.evaluation.subject.sender) return true;
  logging::warning("restrictions.no_message",
                   "access table {table}: with smtpd_delay_reject=no, action {action} is always skipped in Client host "
                   "or Helo command restrictions",
                   {{"table", asked.source}, {"action", asked.word}});
  return false;
}

// Whether there is, or will be, a message to do something with.
bool has_message(const Asked& asked) {
  if (asked.evaluation.subject.stage != Stage::etrn) return is_in_transaction(asked);
  logging::warning("restrictions.no_message",
                   "access table {table}: action {action} is unavailable in smtpd_etrn_restrictions",
                   {{"table", asked.source}, {"action", asked.word}});
  return false;
}

// The status keeps the class that the table gives it until the reply has its code: the log tells what was written.
mail::CodeAndText split(std::string_view text, std::string_view default_status) {
  if (text.starts_with("4.")) return mail::split_status(text, "4.7.1");
  if (text.starts_with("5.")) return mail::split_status(text, "5.7.1");
  return mail::split_status(text, default_status);
}

Outcome reject(const Asked& asked) {
  const auto [status, text] = split(asked.text, "5.7.1");
  return asked.evaluation.reject(asked.evaluation.environment.access_map_reject_code, status, asked.who,
                                 text.empty() ? "Access denied" : text);
}

Outcome defer(const Asked& asked) {
  const auto [status, text] = split(asked.text, "4.7.1");
  return asked.evaluation.reject(asked.evaluation.environment.access_map_defer_code, status, asked.who,
                                 text.empty() ? "Access denied" : text);
}

Outcome defer_if_permit(const Asked& asked) {
  const auto [status, text] = split(asked.text, "4.7.1");
  return asked.evaluation.defer_if_permit(Trouble::policy, asked.evaluation.environment.access_map_defer_code,
                                          status_for(status, asked.who.kind),
                                          asked.rejected(text.empty() ? "Service unavailable" : text));
}

Outcome defer_if_reject(const Asked& asked) {
  const auto [status, text] = split(asked.text, "4.7.1");
  return asked.evaluation.defer_if_reject(Trouble::policy, asked.evaluation.environment.access_map_defer_code,
                                          status_for(status, asked.who.kind),
                                          asked.rejected(text.empty() ? "Service unavailable" : text));
}

Outcome hang_up(const Asked& asked) {
  asked.evaluation.note("hangup", std::string(asked.text));
  Outcome outcome;
  outcome.verdict = Outcome::Verdict::reject;
  outcome.hang_up = true;
  return outcome;
}

Outcome info(const Asked& asked) {
  asked.evaluation.note("info", std::string(asked.text));
  return dunno();
}

Outcome warn(const Asked& asked) {
  asked.evaluation.note("warn", std::string(asked.text));
  return dunno();
}

Outcome nothing(const Asked&) {
  return dunno();
}

Outcome hold(const Asked& asked) {
  if (!has_message(asked)) return dunno();
  asked.evaluation.note("hold", asked.about(asked.text.empty() ? "triggers HOLD action" : asked.text));
  asked.evaluation.effects().hold = true;
  return dunno();
}

Outcome discard(const Asked& asked) {
  if (!has_message(asked)) return dunno();
  asked.evaluation.note("discard", asked.about(asked.text.empty() ? "triggers DISCARD action" : asked.text));
  asked.evaluation.effects().discard = true;
  return asked.evaluation.permit(asked.word, asked.source, asked.who);
}

Outcome filter(const Asked& asked) {
  if (!has_message(asked)) return dunno();
  if (asked.text.empty()) {
    warn_of_entry(asked, "has FILTER entry without value");
  } else if (!asked.text.contains(':')) {
    warn_of_entry(asked, "requires transport:destination");
  } else {
    asked.evaluation.note("filter", asked.about(fmt::format("triggers FILTER {}", asked.text)));
    asked.evaluation.effects().filter = asked.text;
  }
  return dunno();
}

Outcome redirect(const Asked& asked) {
  if (!has_message(asked)) return dunno();
  if (!asked.text.contains('@')) {
    warn_of_entry(asked, "requires user@domain target");
  } else {
    asked.evaluation.note("redirect", asked.about(fmt::format("triggers REDIRECT {}", asked.text)));
    asked.evaluation.effects().redirect = asked.text;
  }
  return dunno();
}

Outcome bcc(const Asked& asked) {
  if (!has_message(asked)) return dunno();
  if (!asked.text.contains('@')) {
    warn_of_entry(asked, "requires user@domain target");
  } else {
    asked.evaluation.note("bcc", asked.about(fmt::format("triggers BCC {}", asked.text)));
    asked.evaluation.effects().bcc.emplace_back(asked.text);
  }
  return dunno();
}

bool is_header(std::string_view text) {
  const auto colon = text.find(':');
  if (colon == std::string_view::npos) return false;
  const std::string_view name = base::trim_right(text.substr(0, colon));
  return !name.empty() && std::ranges::all_of(name, [](char c) { return c > ' ' && c <= '~'; });
}

Outcome prepend(const Asked& asked) {
  if (!is_in_transaction(asked)) return dunno();
  if (asked.evaluation.subject.stage == Stage::end_of_message) {
    logging::warning("restrictions.late_prepend",
                     "access table {table}: action PREPEND must be used before smtpd_end_of_data_restrictions",
                     {{"table", asked.source}});
  } else if (!is_header(asked.text)) {
    warn_of_entry(asked, "requires header: text");
  } else {
    asked.evaluation.effects().prepend.emplace_back(asked.text);
  }
  return dunno();
}

struct Action {
  std::string_view name;
  Outcome (*act)(const Asked& asked);
};
constexpr Action kActions[] = {
    {"DUNNO", nothing},
    {"REJECT", reject},
    {"DEFER", defer},
    {"DEFER_IF_PERMIT", defer_if_permit},
    {"DEFER_IF_REJECT", defer_if_reject},
    {"HANGUP", hang_up},
    {"INFO", info},
    {"WARN", warn},
    {"FILTER", filter},
    {"HOLD", hold},
    {"DISCARD", discard},
    {"REDIRECT", redirect},
    {"BCC", bcc},
    {"PREPEND", prepend},
};

// "550 5.7.1 go away": nothing when it does not begin with such a code.
std::optional<Outcome> coded(const Asked& asked, std::string_view action) {
  if (action.size() < 3 || (action[0] != '4' && action[0] != '5') || !base::is_digit(action[1]) ||
      !base::is_digit(action[2]) || (action.size() > 3 && !base::is_blank(action[3]))) {
    return std::nullopt;
  }
  const int code = (action[0] - '0') * 100 + (action[1] - '0') * 10 + (action[2] - '0');
  const auto [status, text] = split(base::trim(action.substr(3)), code >= 500 ? "5.7.1" : "4.7.1");
  return asked.evaluation.reject(code, status, asked.who, text.empty() ? "Access denied" : text);
}

// For the time of a nested list its restrictions are about whom the table was about.
class About {
 public:
  About(Evaluation& evaluation, const Target& who) : evaluation_(evaluation), before_(evaluation.target) {
    evaluation_.target = who;
  }
  About(const About&) = delete;
  About& operator=(const About&) = delete;
  ~About() { evaluation_.target = before_; }

 private:
  Evaluation& evaluation_;
  Target before_;
};

Outcome named_restrictions(const Asked& asked, std::string_view action) {
  if (action.contains(':')) {
    logging::warning("restrictions.table_in_table", "access table {table} has entry with lookup table: {action}",
                     {{"table", asked.source}, {"action", action}});
    logging::warning("restrictions.table_in_table", "do not specify lookup tables inside SMTPD access maps");
    return asked.evaluation.configuration_error("define a restriction class and specify its name instead.");
  }
  const auto list = asked.evaluation.environment.named_restrictions(action);
  const About about(asked.evaluation, asked.who);
  return ask(asked.evaluation, *list);
}

// What a table says, and of whom it was asked. Not on the stack: restrictions that a table names may nest deeply.
struct Entry {
  std::string wanted, action;
};

// Null: the table has none of the keys.
[[gnu::noinline]] std::unique_ptr<const Entry> first_of(Evaluation& evaluation, const AccessTable& table,
                                                        std::string_view wanted,
                                                        const std::vector<table::SearchKey>& keys) {
  const auto found = evaluation.search(table, keys);
  if (!found) return std::make_unique<Entry>(std::string(wanted), "451 4.3.5 Server configuration error");
  if (!*found) return nullptr;
  return std::make_unique<Entry>(std::string(wanted), (*found)->value);
}

[[gnu::noinline]] std::unique_ptr<const Entry> entry_of_address(Evaluation& evaluation, const AccessTable& table,
                                                                std::string_view address) {
  const Environment& environment = evaluation.environment;
  return first_of(evaluation, table, address,
                  table::access_address_keys(address, environment.delimiters(), environment.access_parents_match));
}

std::optional<Outcome> act_on(Evaluation& evaluation, const AccessTable& table,
                              const std::unique_ptr<const Entry>& entry, const Target& who) {
  if (!entry) return std::nullopt;
  return act(evaluation, table.parameter(), entry->wanted, entry->action, who);
}

}  // namespace

Outcome act(Evaluation& evaluation, std::string_view source, std::string_view key, std::string_view action,
            const Target& who) {
  action = base::trim(action);
  if (action.empty()) {
    logging::warning("restrictions.empty_entry", "access table {table} entry {key} has empty value",
                     {{"table", source}, {"key", key}});
    return evaluation.permit("", source, who);
  }
  const std::string_view word = action.substr(0, action.find_first_of(" \t"));
  const Asked asked{evaluation, source, key, word, base::trim(action.substr(word.size())), who};
  for (const Action& row : kActions) {
    if (base::equals_folded(row.name, word)) return row.act(asked);
  }
  if (base::equals_folded(word, "OK") || base::equals_folded(word, "RELAY") || base::all_digits(action)) {
    return evaluation.permit(word, source, who);
  }
  if (auto outcome = coded(asked, action)) return *std::move(outcome);
  return named_restrictions(asked, action);
}

std::optional<Outcome> domain_access(Evaluation& evaluation, const AccessTable& table, std::string_view domain,
                                     const Target& who) {
  const auto entry =
      first_of(evaluation, table, domain, table::domain_keys(domain, evaluation.environment.access_parents_match));
  return act_on(evaluation, table, entry, who);
}

std::optional<Outcome> address_access(Evaluation& evaluation, const AccessTable& table, std::string_view ip_address,
                                      const Target& who) {
  const auto entry = first_of(evaluation, table, ip_address, table::ip_address_keys(ip_address));
  return act_on(evaluation, table, entry, who);
}

std::optional<Outcome> key_access(Evaluation& evaluation, const AccessTable& table, std::string_view key,
                                  const Target& who) {
  const auto entry = first_of(evaluation, table, key, {{std::string(key), table::KeyReach::all_tables, false}});
  return act_on(evaluation, table, entry, who);
}

std::optional<Outcome> mail_address_access(Evaluation& evaluation, const AccessTable& table,
                                           const Evaluation::RouteAnswer& route, const Target& who) {
  if (!route) return evaluation.table_error(who, route.error());
  const auto entry = entry_of_address(evaluation, table, route->recipient);
  auto outcome = act_on(evaluation, table, entry, who);
  // The last domain of user@elsewhere@here says nothing about where the mail goes in the end.
  if (outcome && outcome->verdict == Outcome::Verdict::permit && route->routed && who.kind == kind::recipient &&
      !evaluation.environment.allow_untrusted_routing) {
    return dunno();
  }
  return outcome;
}

Outcome forbid_permit(Evaluation& evaluation, Outcome outcome, std::string_view restriction, std::string_view name) {
  // What is discarded is permitted to nobody's gain.
  if (outcome.verdict != Outcome::Verdict::permit || evaluation.discarded()) return outcome;
  logging::warning("restrictions.permit_forbidden", "restriction {restriction} returns OK for {name}",
                   {{"restriction", restriction}, {"name", name}});
  logging::warning("restrictions.permit_forbidden", "this is not allowed for security reasons");
  return evaluation.configuration_error("use DUNNO instead of OK if you want to make an exception");
}

}  // namespace restrictions
