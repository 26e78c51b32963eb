#include "postfix/sense_check.h"

#include <grp.h>
#include <pwd.h>

#include <algorithm>
#include <array>
#include <set>

#include "base/file.h"
#include "base/text.h"
#include "config/bounce_templates.h"
#include "config/own_networks.h"
#include "config/param.h"
#include "config/registry.h"
#include "mail/address.h"
#include "postfix/table_check.h"
#include "table/match_list.h"

namespace postfix {

namespace {

namespace param = config::param;

constexpr std::array<std::string_view, 4> kDomainClasses = {"mydestination", "virtual_alias_domains",
                                                            "virtual_mailbox_domains", "relay_domains"};
constexpr std::array<std::string_view, 14> kLists = {"mynetworks",
                                                     "smtpd_authorized_verp_clients",
                                                     "smtpd_authorized_xclient_hosts",
                                                     "smtpd_authorized_xforward_hosts",
                                                     "smtpd_client_event_limit_exceptions",
                                                     "smtpd_forbid_bare_newline_exclusions",
                                                     "smtpd_sasl_exceptions_networks",
                                                     "mydestination",
                                                     "relay_domains",
                                                     "virtual_alias_domains",
                                                     "virtual_mailbox_domains",
                                                     "authorized_submit_users",
                                                     "authorized_mailq_users",
                                                     "authorized_flush_users"};

std::string value_of(const Installation& installation, std::string_view name) {
  try {
    return installation.config.value(name).value_or("");
  } catch (const config::BadValue&) {
    return {};  // told by the check of parameters
  }
}

std::string place_of(const Installation& installation, std::string_view name) {
  const auto& settings = installation.config.settings();
  const auto found = settings.find(name);
  return found == settings.end() ? fmt::format("parameter {} (default)", name)
                                 : fmt::format("{}: parameter {}", found->second.where.text(), name);
}

void blame(Tally& tally, std::string_view text) {
  ++tally.errors;
  complain(text);
}

void remark(Tally& tally, std::string_view text) {
  ++tally.warnings;
  warn(text);
}

bool is_plain_name(std::string_view word) {
  return word.find_first_of(":/!$[") == std::string_view::npos;
}

void check_lists(const Installation& installation, Tally& tally) {
  const auto settings = table::Settings::from(installation.config);
  for (const std::string_view name : kLists) {
    if (!installation.config.settings().contains(name)) continue;
    const std::string value = value_of(installation, name);
    const auto tables = tables_in(name, value);
    for (const table::Error& error : table::MatchList(name, value, settings, {}).check()) {
      const bool is_told = std::ranges::any_of(tables, [&](const std::string& each) {
        return error.text.contains(std::string_view(each).substr(each.find(':') + 1));
      });
      std::string_view text = error.text;
      if (text.starts_with(name)) text.remove_prefix(std::min(text.size(), name.size() + 2));  // the place has it, too
      if (!is_told) blame(tally, fmt::format("{}: {}", place_of(installation, name), text));
    }
  }
}

// Only one of them can deliver the domain's mail.
void check_domain_classes(const Installation& installation, Tally& tally) {
  for (std::size_t i = 0; i < kDomainClasses.size(); ++i) {
    for (std::size_t j = i + 1; j < kDomainClasses.size(); ++j) {
      const std::string_view a = kDomainClasses[i];
      const std::string_view b = kDomainClasses[j];
      // Relaying to what is delivered here is what relay_domains was by default in old times.
      if (b == "relay_domains" && a == "mydestination") continue;
      for (const std::string& name : common_names(value_of(installation, a), value_of(installation, b))) {
        remark(tally, fmt::format("{}: {} is in {}, too: list it in one of them", place_of(installation, b),
                                  base::printable(name), a));
      }
    }
  }
}

void check_names(const Installation& installation, Tally& tally) {
  for (const std::string_view name : {"myhostname", "mydomain"}) {
    if (!installation.config.settings().contains(name)) continue;
    const std::string value = value_of(installation, name);
    if (!mail::is_valid_hostname(value)) {
      blame(tally, fmt::format("{}: {} is no valid host name", place_of(installation, name), base::printable(value)));
    } else if (name == "myhostname" && (value == "localhost" || value.starts_with("localhost."))) {
      remark(tally, fmt::format("{}: {} is the name of every machine: set it to the full name of this one",
                                place_of(installation, name), value));
    }
  }
}

void check_bounce_templates(const Installation& installation, Tally& tally) {
  const std::string path = value_of(installation, "bounce_template_file");
  if (path.empty()) return;
  const auto templates = config::read_bounce_templates(path);
  if (!templates) {
    blame(tally, fmt::format("{}: {}", place_of(installation, "bounce_template_file"), templates.error().text));
    return;
  }
  for (const config::Remark& each : templates->remarks) {
    remark(tally, fmt::format("{}: {}", each.where.text(), each.text));
  }
}

void check_continuations(const Installation& installation, Tally& tally) {
  constexpr std::size_t kLargest = 16 * 1024 * 1024;
  const std::string path = installation.config_directory + "/main.cf";
  const auto text = base::read_file(path, kLargest);
  if (!text) return;  // told already
  for (const SwallowedSetting& each : swallowed_settings(*text)) {
    remark(tally, fmt::format("{}, line {}: \"{} =\" begins with white space, and so is part of the value of {} above",
                              path, each.line, each.name, base::printable(each.into)));
  }
}

}  // namespace

std::vector<std::string> common_names(std::string_view list, std::string_view other) {
  std::set<std::string> names;
  for (const std::string_view word : base::split_grouped(list)) {
    if (is_plain_name(word)) names.insert(base::lower(word));
  }
  std::vector<std::string> common;
  for (const std::string_view word : base::split_grouped(other)) {
    if (is_plain_name(word) && names.contains(base::lower(word))) common.push_back(base::lower(word));
  }
  return common;
}

std::vector<SwallowedSetting> swallowed_settings(std::string_view main_cf) {
  constexpr std::string_view kBlanks = " \t\r\v\f";
  std::vector<SwallowedSetting> found;
  std::string into;
  for (int number = 1; !main_cf.empty(); ++number) {
    const std::string_view line = main_cf.substr(0, main_cf.find('\n'));
    main_cf.remove_prefix(std::min(main_cf.size(), line.size() + 1));
    const std::string_view text = base::trim(line);
    if (text.empty() || text.starts_with('#')) continue;
    const std::string name(base::trim(text.substr(0, text.find('='))));
    if (!kBlanks.contains(line.front())) {
      into = name;
    } else if (!into.empty() && text.contains('=') && config::find_parameter(name) != nullptr) {
      found.push_back({number, name, into});
    }
  }
  return found;
}

std::vector<std::string> clashes(const Accounts& accounts) {
  std::vector<std::string> found;
  const auto& [owner, group, privs, owner_uid, owner_gid, setgid_gid, privs_uid, privs_gid, other_name] = accounts;
  const auto add = [&found](std::string text) { found.push_back(std::move(text)); };
  if (owner_uid == 0) add(fmt::format("parameter mail_owner: user {} has privileged user ID", owner));
  if (!other_name.empty()) add(fmt::format("parameter mail_owner: user {} has same user ID as {}", owner, other_name));
  if (owner_gid == 0) add(fmt::format("parameter mail_owner: user {} has privileged group ID", owner));
  if (setgid_gid == 0) add(fmt::format("parameter setgid_group: group {} has privileged group ID", group));
  if (setgid_gid == owner_gid) {
    add(fmt::format("parameters mail_owner and setgid_group: user {} and group {} have the same group ID: {}", owner,
                    group, owner_gid));
  }
  if (privs_uid == 0) add(fmt::format("parameter default_privs: user {} has privileged user ID", privs));
  if (privs_gid == 0) add(fmt::format("parameter default_privs: user {} has privileged group ID", privs));
  if (privs == owner) {
    add(fmt::format("parameters default_privs and mail_owner specify the same user {}", owner));
  } else if (privs_uid == owner_uid) {
    add(fmt::format("parameters default_privs and mail_owner: users {} and {} have the same user ID: {}", privs, owner,
                    owner_uid));
  } else if (privs_gid == owner_gid) {
    add(fmt::format("parameters default_privs and mail_owner: users {} and {} have the same group ID: {}", privs, owner,
                    owner_gid));
  }
  if (privs_gid == setgid_gid) {
    add(fmt::format("parameters default_privs and setgid_group: user {} and group {} have the same group ID: {}", privs,
                    group, setgid_gid));
  }
  return found;
}

bool has_usable_directories(const Installation& installation) {
  bool good = true;
  const auto bad = [&](std::string_view name, std::string_view why) {
    complain(fmt::format("{}: {}", place_of(installation, name), why));
    good = false;
  };
  for (const auto& [name, path] : {std::pair("queue_directory", &installation.queue_directory),
                                   std::pair("data_directory", &installation.data_directory),
                                   std::pair("daemon_directory", &installation.daemon_directory),
                                   std::pair("command_directory", &installation.command_directory)}) {
    if (!path->starts_with('/')) bad(name, fmt::format("{} does not begin with /", base::printable(*path)));
  }
  if (installation.queue_directory == installation.data_directory) {
    bad("data_directory", "it must not be the queue_directory");
  }
  return good;
}

bool is_foreign(const std::string& program) {
  constexpr std::size_t kLargest = 256 * 1024 * 1024;
  const auto content = base::read_file(program, kLargest);
  if (!content || !content->starts_with("\x7f"
                                        "ELF"))
    return false;
  return !content->contains("Postrider") && !content->contains("POSTRIDER");
}

bool has_own_programs(const Installation& installation) {
  bool good = true;
  for (const auto& [name, program] : {std::pair("daemon_directory", installation.daemon_directory + "/master"),
                                      std::pair("command_directory", installation.command_directory + "/postsuper")}) {
    if (!is_foreign(program)) continue;
    complain(fmt::format(
        "{}: {} is a program of another mail system; take the line out of main.cf, and Postrider's "
        "own are used: {}",
        place_of(installation, name), program, installation.config.default_of(name).value_or(std::string())));
    good = false;
  }
  return good;
}

bool has_own_addresses(const Installation& installation) try {
  const auto all = config::interface_addresses();
  if (!all) return true;  // not the configuration's fault
  const std::string& protocols = installation.config[param::inet_protocols];
  const auto chosen = config::choose_addresses(*all, installation.config[param::inet_interfaces], protocols);
  if (chosen) return true;
  const bool is_protocol = chosen.error().text.starts_with("unknown inet_protocols");
  complain(fmt::format(
      "{}: {}{}", place_of(installation, is_protocol ? "inet_protocols" : "inet_interfaces"), chosen.error().text,
      is_protocol ? std::string() : fmt::format(" (inet_protocols = {})", base::printable(protocols))));
  return false;
} catch (const config::BadValue&) {
  return true;  // told by the check of parameters
}

bool has_separate_accounts(const Installation& installation) {
  if (installation.rootless) return true;
  std::vector<std::string> problems;
  Accounts accounts{.mail_owner = installation.config[param::mail_owner],
                    .setgid_group = installation.config[param::setgid_group],
                    .default_privs = installation.config[param::default_privs],
                    .owner_uid = installation.owner.value_or(0),
                    .owner_gid = installation.owner_group.value_or(0),
                    .setgid_gid = installation.setgid_group.value_or(0),
                    .privs_uid = {},
                    .privs_gid = {},
                    .other_name_of_owner = {}};
  const auto unknown = [&](std::string_view parameter, std::string_view kind, const std::string& name) {
    problems.push_back(fmt::format("parameter {}: unknown {} name: {}", parameter, kind, base::printable(name)));
  };
  if (!installation.owner) unknown("mail_owner", "user", accounts.mail_owner);
  if (!installation.setgid_group) unknown("setgid_group", "group", accounts.setgid_group);
  const passwd* const privs = ::getpwnam(accounts.default_privs.c_str());
  if (privs == nullptr) {
    unknown("default_privs", "user", accounts.default_privs);
  } else {
    accounts.privs_uid = privs->pw_uid;
    accounts.privs_gid = privs->pw_gid;
  }
  if (problems.empty()) {
    const passwd* const same = ::getpwuid(accounts.owner_uid);
    if (same != nullptr && same->pw_name != accounts.mail_owner) accounts.other_name_of_owner = same->pw_name;
    problems = clashes(accounts);
  }
  for (const std::string& text : problems)
    complain(fmt::format("file {}/main.cf: {}", installation.config_directory, text));
  return problems.empty();
}

void check_sense(const Installation& installation, Tally& tally) {
  check_continuations(installation, tally);
  check_names(installation, tally);
  check_domain_classes(installation, tally);
  check_bounce_templates(installation, tally);
  try {
    check_lists(installation, tally);
  } catch (const config::BadValue&) {
    return;  // told by the check of parameters
  }
}

}  // namespace postfix
