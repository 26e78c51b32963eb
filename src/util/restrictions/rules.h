#pragma once
// The restriction language of the SMTP server: parsed once into a tree in which every mistake is told with file,
// line and hint; then asked at each stage of a session. Decisions are values: what is to be said, logged and done with
// the message stands in them, and nothing is done here (but for look-ups, policy services and `sleep`).

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "config/config.h"
#include "dns/resolver.h"
#include "io/wait.h"
#include "restrictions/observer.h"
#include "restrictions/reply.h"
#include "restrictions/subject.h"
#include "routing/router.h"
#include "table/pool.h"

namespace restrictions {

// What tables and policy services want done with the whole message.
struct Effects {
  bool hold = false;
  bool discard = false;
  std::string filter;    // transport:nexthop; the last wins
  std::string redirect;  // the last wins
  std::vector<std::string> bcc;
  std::vector<std::string> prepend;  // whole headers, in order
  void add(Effects more);
};

// An old default (config/old_defaults.h) made a difference: a line of its own, nothing around `text`.
constexpr std::string_view kOldDefault = "old default";

// For the log, between "NOQUEUE: " and "; from=": `action`: STAGE from client: `text`.
struct Note {
  std::string
      action;  // "reject_warning", "warn", "info", "hold", "discard", "filter", "redirect", "bcc", "prepend", "permit"
  std::string text;
};

struct Decision {
  enum class Kind { accept, refuse, hang_up };
  Kind kind = Kind::accept;
  Reply reply;  // of a refusal, before soft_bounce and footers
  Trouble trouble = Trouble::policy;
  bool old_order = false;   // for the log: the recipient's restrictions refused it before those for relaying were asked
  bool disconnect = false;  // say it and close: 421 and 521
  std::vector<Note> notes;
  Effects effects;
  // With smtpd_delay_reject = no: what later stages of the session need to know (Subject::earlier). That of HELO
  // includes that of the connection, that of MAIL both.
  std::optional<Deferral> if_permit;
};

class Rules {
 public:
  // What may be shared with others in the process; all outlive the object.
  struct Uses {
    const config::Config& config;
    const routing::Router& router;
    dns::Resolver& resolver;
    std::string service_name;  // of master.cf: "smtp"
    // For who only wants to know: `sleep` does not, and policy services that are not asked have nothing to say.
    bool sleeps = true;
    bool asks_policy_services = true;
    std::shared_ptr<table::Pool> tables = {};  // null: they are opened for these rules alone
  };
  // Parses the lists and opens the tables. A mistake in a list is logged, and ends the list with a 451 for whom it is
  // asked. Throws base::Fatal that names all mistakes when there are others: nothing may guard against relaying.
  explicit Rules(Uses uses);
  ~Rules();

  // One for each moment at which the server decides. Which lists are asked when (smtpd_delay_reject, ...) is known
  // here. What was decided for the client, HELO and the sender is asked again for each recipient, as in Postfix.
  Decision at_connect(const Subject& subject, Observer* observer = nullptr) const;
  Decision at_helo(const Subject& subject, Observer* observer = nullptr) const;
  Decision at_mail(const Subject& subject, Observer* observer = nullptr) const;
  Decision at_rcpt(const Subject& subject, Observer* observer = nullptr) const;  // also VRFY
  Decision at_etrn(const Subject& subject, Observer* observer = nullptr) const;
  Decision at_data(const Subject& subject, Observer* observer = nullptr) const;
  Decision at_end_of_data(const Subject& subject, Observer* observer = nullptr) const;

  // local_header_rewrite_clients.
  bool is_local_header_client(const Subject& subject) const;

  bool has_changed() const;  // of its tables

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Every mistake in the smtpd_*_restrictions, the classes and local_header_rewrite_clients: file, line, word, and the
// nearest known word. For start-up and `postfix check`. `remarks` are of what is never asked.
std::vector<base::Error> check(const config::Config& config, std::vector<std::string>* remarks = nullptr);

}  // namespace restrictions
