#pragma once
// One client, from the greeting to the end. session.cpp greets, reads, dispatches and ends; each command has its file
// in commands/, which work on this struct.

#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "io/stream.h"
#include "restrictions/rules.h"
#include "sasl/server.h"
#include "smtpd/client_attributes.h"
#include "smtpd/command_line.h"
#include "smtpd/keywords.h"
#include "smtpd/limits.h"
#include "smtpd/reply.h"
#include "smtpd/transaction.h"
#include "smtpd/transcript.h"
#include "tls/facts.h"

namespace smtpd {

class Shared;     // shared.h: what all sessions of the process use
struct Settings;  // settings.h: main.cf, typed, for calm or for stress

enum class Next { go_on, close };

// Session::where, from the end of a message to the next command.
constexpr std::string_view kAfterMessage = "END-OF-MESSAGE";

struct Session {
  Session(Shared& shared, io::Stream stream, restrictions::Client client);

  // --- the conversation
  void run();  // returns when it is over, whatever ended it; logs connect and disconnect
  // Sends a reply: footers, soft_bounce, reject filters, counting of errors, delays after soft errors. What it returns
  // is what a command returns.
  Next reply(Reply reply);
  Next reply(int code, std::string_view status, std::string_view text);
  // One line from the client, at most line_length_limit bytes, within smtpd_timeout: for what a command reads itself
  // (AUTH). Throws StreamError. The view lives until the next read.
  io::Stream::LineView read_line(std::size_t most);
  // Passes over the rest of a line that was too long. False: it has no end within what is read of it, and nothing that
  // follows can be understood.
  bool skip_line();
  // Greets, or refuses to: whatever decides about a new client is asked. At the start, and after XCLIENT.
  Next begin_anew();
  void start_request();  // the deadlines of a new request begin
  // Whether the client has sent more, without waiting.
  bool talks_ahead();
  // What is not offered to this client, nor taken from it.
  void decide_keywords();
  bool owes_hello() const;      // smtpd_helo_required, and it has not said it
  bool must_start_tls() const;  // smtpd_tls_security_level = encrypt, and it has not
  bool offers_tls() const;
  bool is_excused_for_bare_newlines();
  // Syntax, as the router sees it: what it cannot make sense of goes nowhere. Internal form. `utf8`: the client has
  // asked for SMTPUTF8, without which a domain is ASCII.
  bool is_valid_address(const std::string& address, bool utf8) const;

  // A decision of the restrictions: notes to the log, effects to the transaction; a refusal is logged and said.
  // Nothing: accepted.
  std::optional<Next> refused(restrictions::Decision decision, restrictions::Stage stage);
  // A refusal, logged like those of the restrictions, at the command that is being done.
  Next reject(Reply reply);
  // Null: nothing is asked, as in tests, stand-alone, and for mail that is to vanish.
  const restrictions::Rules* rules() const;
  restrictions::Subject subject(restrictions::Stage stage) const;
  void reset_transaction() {
    transaction = Transaction();
    forwarded = Forwarding();
  }
  // After STARTTLS and XCLIENT: as if the client had just connected, but for its address and what TLS tells.
  void forget_hello();
  bool authenticated() const { return !sasl_username.empty(); }
  const Settings& settings() const;  // calm or stressed, as it is now

  // --- for the log
  std::string client_label() const;  // name[address], with :port for smtpd_client_port_logging
  std::string_view id() const;       // the queue id, or NOQUEUE
  // "; from=<s> to=<r> proto=ESMTP helo=<h> sasl_username=..." : what is known.
  std::string fields(std::optional<std::string_view> recipient) const;

  Shared& shared;
  io::Stream stream;
  restrictions::Client client;  // as restrictions and logs see it (XCLIENT changes it)
  tls::Facts tls;
  bool tls_wrapper = false;

  // --- hello
  std::string helo;               // fit for a header; empty before HELO
  std::string protocol = "SMTP";  // or ESMTP
  Keywords discarded;             // keywords not offered to this client

  // --- who it is
  std::string sasl_method, sasl_username, sasl_sender;

  // --- XCLIENT and XFORWARD
  std::optional<bool> speaks_for_others;    // see may_xclient() in trust.h
  Forwarding forwarded;                     // ends with the transaction
  std::optional<bool> forwards_for_others;  // see may_xforward() in trust.h
  bool denied = false;                      // at the connection: nothing but QUIT is heard
  bool has_pipelined = false;               // where it may not; told once

  Transaction transaction;
  Counters counters;       // of commands, errors, junk, for limits and for the line at the end
  Ranges ranges;           // anvil's view of this client
  std::string where;       // the last command, for "lost connection after X"
  std::string_view notes;  // for the disconnect line: "bare_lf"
  int last_code = 0;       // of the last reply
  bool erred = false;      // it counts as an error
  Transcript transcript;   // for the postmaster

  // With smtpd_delay_reject = no: what was left open at the connection and at HELO.
  std::optional<restrictions::Deferral> after_connect, after_hello;

  // The command that is being done
  std::optional<std::string> recipient;  // RCPT and VRFY: internal form, for subject() and the log
  std::string etrn_domain;

 private:
  std::optional<bool> excused_;  // smtpd_forbid_bare_newline_exclusions, once asked
};

// --- the table of commands (commands/table.cpp)
struct Command {
  std::string_view verb;
  Next (*run)(Session& session, const CommandLine& line);
  bool junk;        // counts against smtpd_junk_command_limit
  bool before_tls;  // allowed while smtpd_tls_security_level = encrypt waits for STARTTLS
  bool ends_group;  // a client must wait for its reply, PIPELINING or not
};
// In the order of the disconnect line; the last, without a verb, stands for what is unknown.
const std::vector<Command>& commands();
const Command& command_named(std::string_view verb);  // in upper case

// One function a file.
Next helo(Session& session, const CommandLine& line);
Next ehlo(Session& session, const CommandLine& line);
Next mail(Session& session, const CommandLine& line);
Next rcpt(Session& session, const CommandLine& line);
Next data(Session& session, const CommandLine& line);
Next bdat(Session& session, const CommandLine& line);
Next rset(Session& session, const CommandLine& line);
Next noop(Session& session, const CommandLine& line);
Next quit(Session& session, const CommandLine& line);
Next vrfy(Session& session, const CommandLine& line);
Next etrn(Session& session, const CommandLine& line);
Next help(Session& session, const CommandLine& line);
Next starttls(Session& session, const CommandLine& line);
Next auth(Session& session, const CommandLine& line);
Next xclient(Session& session, const CommandLine& line);
Next xforward(Session& session, const CommandLine& line);
Next unknown(Session& session, const CommandLine& line);
// What no SMTP client says: a header, or one of smtpd_forbidden_commands. It ends the session.
bool is_forbidden(const Session& session, const CommandLine& line);

}  // namespace smtpd
