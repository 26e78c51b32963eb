#pragma once
// Inside the library: one decision in the making. Restrictions read what the session is and say what came of it.

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "restrictions/environment.h"
#include "restrictions/observer.h"
#include "restrictions/rules.h"
#include "restrictions/subject.h"
#include "routing/router.h"
#include "table/search.h"
#include "table/table.h"

namespace restrictions {

// What one restriction says. A reject has its reply; the others have none.
struct Outcome {
  enum class Verdict { dunno, permit, reject };
  Verdict verdict = Verdict::dunno;
  Reply reply = {};
  bool disconnect = false;  // say it and close
  bool hang_up = false;     // close without a word
};
inline Outcome dunno() {
  return {};
}

// Who or what is rejected: "<name>: kind rejected: why".
struct Target {
  std::string_view name;  // "u@x.example", "client.example[192.0.2.1]", "DATA"
  std::string_view kind;  // one of those below
};
namespace kind {
constexpr std::string_view client = "Client host";
constexpr std::string_view reverse_client = "Unverified Client host";
constexpr std::string_view helo = "Helo command";
constexpr std::string_view certificate = "Client certificate";
constexpr std::string_view login = "SASL login name";
constexpr std::string_view sender = "Sender address";
constexpr std::string_view recipient = "Recipient address";
constexpr std::string_view etrn = "Etrn command";
constexpr std::string_view data = "Data command";
constexpr std::string_view end_of_data = "End-of-data";
}  // namespace kind

// An enhanced code as it suits the kind of thing that is rejected: x.1.n means other things for senders and recipients,
// and nothing for the rest ("5.1.1" for a sender is 5.1.0, for a client 5.0.0).
std::string status_for(std::string_view status, std::string_view kind);

class Evaluation {
 public:
  Evaluation(const Environment& the_environment, const Subject& the_subject, Observer* the_observer);

  const Environment& environment;
  const Subject& subject;
  Observer* observer;  // may be null

  // Whom the list that is being asked is about: rejections of restrictions that are about nobody in particular.
  Target target;
  // The restriction that a table without a name before it stands for in that list; empty: none.
  std::string_view bare;

  // --- whom restrictions are about, whatever list they stand in; only for what the subject has
  Target client() const { return {client_name_, kind::client}; }
  Target helo() const { return {subject.helo.value_or(""), kind::helo}; }
  Target sender() const { return {subject.sender.value_or(""), kind::sender}; }
  Target recipient() const { return {subject.recipient.value_or(""), kind::recipient}; }

  // --- ends of a restriction
  // `action` is the restriction's name, or what a table said; smtpd_log_access_permit_actions may want it in the log.
  Outcome permit(std::string_view action, std::string_view table = {}) { return permit(action, table, target); }
  Outcome permit(std::string_view action, std::string_view table, const Target& who);
  // `text` is the whole text of the reply. The first digit of the status becomes that of the code; bytes that may not
  // be in a reply become blanks. Under warn_if_reject it becomes a note and the result is dunno, unless the trouble is
  // our own.
  Outcome reject(Trouble trouble, int code, std::string_view status, std::string text);
  // The same with the usual text "<name>: kind rejected: why", and the status made to suit the kind.
  Outcome reject(int code, std::string_view status, const Target& who, std::string_view why);
  // Mail is deferred later if it would be accepted (refused) otherwise. The first one counts. Both are dunno.
  Outcome defer_if_permit(Trouble trouble, int code, std::string_view status, std::string text);
  Outcome defer_if_reject(Trouble trouble, int code, std::string_view status, std::string text);
  // What the tempfail actions (unknown_address_tempfail_action, ...) say: defer_if_permit, or a rejection now.
  Outcome temporary_failure(TempfailAction action, Trouble trouble, int code, std::string_view status,
                            std::string text);
  // 451 4.3.0 <name>: Temporary lookup failure. The table itself has told the log.
  Outcome table_error(const Target& who, const table::Error& error);
  // The same for what may come of a list or the router, which do not log.
  Outcome untold_error(const Target& who, const table::Error& error);
  // 451 4.3.5 Server configuration error. `warning` goes to the log.
  Outcome configuration_error(std::string_view warning);

  void note(std::string_view action, std::string text);
  // An old default made the difference. Who only wants to know sees so without the note.
  void old_default(std::string_view what);
  Effects& effects() { return decision_.effects; }
  bool discarded() const { return subject.discarded || decision_.effects.discard; }

  // --- tables: every look-up of a restriction goes through here, so that observers see it
  table::Answer lookup(const table::TableList& tables, std::string_view key,
                       table::TableList::Ask ask = table::TableList::Ask::all_tables);
  std::expected<std::optional<table::Hit>, table::Error> search(const table::TableList& tables,
                                                                std::span<const table::SearchKey> keys);

  // Where mail for the recipient goes; its address in small letters. Asked once for each recipient, however many
  // restrictions want to know.
  using RouteAnswer = std::expected<routing::Route, table::Error>;
  const RouteAnswer& route_of_recipient();
  const RouteAnswer& route_of_sender();

  // --- for the evaluator (list.cpp, stages.cpp)
  std::optional<Deferral> if_permit, if_reject;
  int depth = 0;                                       // of lists in lists
  int warning_only_at = 0;                             // the depth at which warn_if_reject was said; 0: nowhere
  bool recipient_known = false, sender_known = false;  // reject_unlisted_* has been here
  Decision& decision() { return decision_; }

 private:
  RouteAnswer route(std::string_view from, std::string_view to) const;
  void fold(RouteAnswer& answer) const;

  std::string client_name_;
  Decision decision_;
  std::optional<RouteAnswer> recipient_route_, sender_route_;
};

// --- access tables (access.cpp), also for what was found in the DNS

// Nothing: the table has none of the keys. A found DUNNO is an Outcome: it ends the search. A table that cannot tell is
// a rejection with 451 4.3.5.
std::optional<Outcome> domain_access(Evaluation& evaluation, const AccessTable& table, std::string_view domain,
                                     const Target& who);  // the domain and its parents
std::optional<Outcome> address_access(Evaluation& evaluation, const AccessTable& table, std::string_view ip_address,
                                      const Target& who);  // the address and its networks
std::optional<Outcome> mail_address_access(Evaluation& evaluation, const AccessTable& table,
                                           const Evaluation::RouteAnswer& route, const Target& who);
std::optional<Outcome> key_access(Evaluation& evaluation, const AccessTable& table, std::string_view key,
                                  const Target& who);
// Whether there are no logins at all, which is worth a warning (logins.cpp).
bool lacks_sasl(const Evaluation& evaluation, std::string_view restriction);
// For tables on names that anybody may give himself (MX, NS, unverified host names): OK becomes 451 4.3.5.
Outcome forbid_permit(Evaluation& evaluation, Outcome outcome, std::string_view restriction, std::string_view name);

// An action as tables and policy services name it ("REJECT go away", "PREPEND X: y", "dunno", a restriction).
// `source` is the table's or service's name for the log, `key` what was asked about.
Outcome act(Evaluation& evaluation, std::string_view source, std::string_view key, std::string_view action,
            const Target& who);

}  // namespace restrictions
