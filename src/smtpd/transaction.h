#pragma once
// One message on its way in: from MAIL to the end of data. Forgetting it is one function, Session::reset_transaction(),
// for every way out (RSET, HELO, STARTTLS, the end of data, whatever went wrong): it assigns a new Transaction.

#include <ctime>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "queue/id.h"
#include "restrictions/rules.h"
#include "smtpd/mail_sink.h"

namespace smtpd {

class Content;

enum class Encoding { unknown, seven_bit, eight_bit };

struct Transaction {
  Transaction();
  Transaction(Transaction&&) noexcept;
  Transaction& operator=(Transaction&&) noexcept;
  ~Transaction();

  std::optional<std::string> sender;  // internal form; nothing: no MAIL yet
  std::string sender_as_typed;        // for replies and logs
  std::string verp_delimiters;
  std::string envelope_id;  // ENVID, decoded form as queue files have it
  int dsn_return = 0;       // RET
  Encoding encoding = Encoding::unknown;
  bool smtputf8 = false;
  bool requiretls = false;
  long announced_size = 0;
  long actual_size = 0;        // of the content
  bool content_known = false;  // all of it
  std::string sasl_sender;     // AUTH=
  queue::TimeStamp arrival;
  std::string instance;           // of policy requests: the same for all of one message
  bool rewrites_locally = false;  // local_header_rewrite_clients

  int recipients = 0;             // accepted
  int recipients_over_limit = 0;  // refused for being too many
  std::string last_recipient;     // as typed, quoted, for Received
  std::string first_recipient;    // internal form
  restrictions::Effects effects;
  int told_flags = 0;                              // of the effects that cleanup knows already
  std::optional<restrictions::Deferral> deferral;  // what MAIL left open

  std::unique_ptr<Message> message;  // open with cleanup; its queue id

  // BDAT
  enum class Bdat { none, receiving, failed };
  Bdat bdat = Bdat::none;
  std::unique_ptr<Content> content;  // while it arrives

  bool active() const { return sender.has_value(); }
};

}  // namespace smtpd
