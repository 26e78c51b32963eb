#include "restrictions/unlisted.h"

#include <fmt/format.h>

#include "base/text.h"
#include "logging/log.h"
#include "mail/text.h"
#include "restrictions/restriction.h"

namespace restrictions {

namespace {

using Listed = std::expected<bool, table::Error>;

class Unlisted {
 public:
  Unlisted(Evaluation& evaluation, const Target& who, const Evaluation::RouteAnswer& route)
      : evaluation_(evaluation), environment_(evaluation.environment), who_(who), route_answer_(route) {}

  Outcome ask() {
    if (!route_answer_) return evaluation_.untold_error(who_, route_answer_.error());
    const routing::Route& route = *route_answer_;
    // What is rewritten or forwarded is known.
    for (const table::TableList* maps : renaming_tables()) {
      const Listed listed = is_listed(*maps);
      if (!listed) return failed(listed.error());
      if (*listed) return dunno();
    }
    if (route.transport == "error") return undeliverable(route, undeliverable_code(route), "5.1.1");
    if (route.transport == "retry") return undeliverable(route, 450, "4.1.1");
    switch (route.address_class) {
      case routing::AddressClass::local:
        if (is_never_listed()) return dunno();
        return unless_listed(environment_.local_recipient_maps, environment_.unknown_local_recipient_reject_code,
                             " in local recipient table");
      case routing::AddressClass::virtual_mailbox:
        return unless_listed(environment_.virtual_mailbox_maps, environment_.unknown_virtual_mailbox_reject_code,
                             " in virtual mailbox table");
      case routing::AddressClass::relay:
        if (environment_.old_relay_domains) {
          evaluation_.old_default(
              fmt::format("relay_domains=$mydestination to accept mail for address \"{}\"", who_.name));
        }
        return unless_listed(environment_.relay_recipient_maps, environment_.unknown_relay_recipient_reject_code,
                             " in relay recipient table");
      case routing::AddressClass::virtual_alias:
      case routing::AddressClass::other:
        break;
    }
    return dunno();
  }

 private:
  std::vector<const table::TableList*> renaming_tables() const {
    std::vector<const table::TableList*> tables{&environment_.recipient_canonical_maps};
    if (is_sender()) tables.push_back(&environment_.sender_canonical_maps);
    tables.push_back(&environment_.canonical_maps);
    tables.push_back(&environment_.virtual_alias_maps);
    return tables;
  }

  Listed is_listed(const table::TableList& maps) {
    if (maps.empty()) return false;
    if (keys_.empty()) {
      keys_ = table::mail_address_keys(route_answer_->recipient, environment_.delimiters(),
                                       environment_.has_bare_names(*route_answer_));
    }
    const auto found = evaluation_.search(maps, keys_);
    if (!found) return std::unexpected(found.error());
    return found->has_value();
  }

  // Addresses that the mail system itself sends from, or answers for, without a line in any table.
  bool is_never_listed() const {
    const std::string_view local =
        std::string_view(route_answer_->recipient).substr(0, route_answer_->recipient.rfind('@'));
    return base::equals_folded(local, environment_.double_bounce_sender) || base::equals_folded(local, "postmaster") ||
           base::equals_folded(local, "mailer-daemon");
  }

  Outcome unless_listed(const table::TableList& maps, int code, std::string_view where) {
    if (maps.empty()) return dunno();
    const Listed listed = is_listed(maps);
    if (!listed) return failed(listed.error());
    if (*listed) return dunno();
    if (&maps == &environment_.local_recipient_maps && hides_accounts()) {
      logging::warning("restrictions.no_accounts",
                       "local_recipient_maps: unix:passwd.byname has no accounts at all: is there no etc/passwd in the "
                       "chroot jail?");
      return failed({"unix:passwd.byname has no accounts", false});
    }
    return reject(code, is_sender() ? "5.1.0" : "5.1.1",
                  fmt::format("User unknown{}", environment_.show_user_unknown_table_name ? where : ""));
  }

  // In a chroot without etc/passwd nobody is known, and everybody would be refused for good.
  bool hides_accounts() const {
    if (environment_.accounts.empty()) return false;
    const auto root = environment_.accounts.lookup("root");
    return !root || !*root;
  }

  int undeliverable_code(const routing::Route& route) const {
    return route.address_class == routing::AddressClass::virtual_alias ? environment_.unknown_virtual_alias_reject_code
                                                                       : 550;
  }

  // The next hop of the error and retry transports is a text.
  Outcome undeliverable(const routing::Route& route, int code, std::string_view status) {
    const auto [found, text] = mail::split_status(
        route.nexthop, is_sender() ? std::string(status.substr(0, 1)) + ".1.0" : std::string(status));
    return reject(code, status_for(found, who_.kind), text);
  }

  Outcome reject(int code, std::string_view status, std::string_view why) {
    return evaluation_.reject(Trouble::bounce, code, status,
                              fmt::format("<{}>: {} rejected: {}", who_.name, who_.kind, why));
  }
  Outcome failed(const table::Error& error) { return evaluation_.table_error(who_, error); }
  bool is_sender() const { return who_.kind == kind::sender; }

  Evaluation& evaluation_;
  const Environment& environment_;
  const Target& who_;
  const Evaluation::RouteAnswer& route_answer_;
  std::vector<table::SearchKey> keys_;
};

}  // namespace

Outcome reject_unlisted_sender(Evaluation& evaluation) {
  const Subject& subject = evaluation.subject;
  if (!subject.sender || subject.sender->empty() || evaluation.environment.accepts_unknown || evaluation.sender_known) {
    return dunno();
  }
  // What only warned must be asked again where it counts.
  if (evaluation.warning_only_at == 0) evaluation.sender_known = true;
  const Target who = evaluation.sender();
  return Unlisted(evaluation, who, evaluation.route_of_sender()).ask();
}

Outcome reject_unlisted_recipient(Evaluation& evaluation) {
  const Subject& subject = evaluation.subject;
  if (!subject.recipient || evaluation.environment.accepts_unknown || evaluation.recipient_known) return dunno();
  if (evaluation.warning_only_at == 0) evaluation.recipient_known = true;
  const Target who = evaluation.recipient();
  return Unlisted(evaluation, who, evaluation.route_of_recipient()).ask();
}

std::span<const Name> unlisted_names() {
  static constexpr Name kNames[] = {
      {"reject_unlisted_sender", Argument::none, make_plain<reject_unlisted_sender>},
      {"reject_unlisted_recipient", Argument::none, make_plain<reject_unlisted_recipient>},
      {"check_recipient_maps", Argument::none, make_plain<reject_unlisted_recipient>},
  };
  return kNames;
}

}  // namespace restrictions
