#pragma once
// main.cf as the SMTP server reads it, typed once.

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "config/config.h"
#include "smtpd/auth.h"
#include "smtpd/command_filter.h"
#include "smtpd/keywords.h"
#include "smtpd/limits.h"
#include "smtpd/lists.h"
#include "smtpd/reject_text.h"
#include "smtpd/transcript.h"
#include "smtpd/trust.h"
#include "tls/server.h"

namespace smtpd {

enum class BareNewline { no, note, normalize, reject };

// Tables are opened here. Not for copying; one for calm and one for stress.
struct Settings {
  // Throws config::BadValue and base::Fatal. Calm and stress share a pool: where main.cf says the same, so do they.
  explicit Settings(const config::Config& of, std::shared_ptr<table::Pool> pool = {});
  Settings(const Settings&) = delete;
  Settings& operator=(const Settings&) = delete;

  std::string myhostname, mail_name, banner;
  std::chrono::seconds timeout, ipc_timeout, error_sleep;
  std::size_t line_length_limit;
  long message_size_limit;
  long queue_minfree;
  int soft_error_limit, hard_error_limit, junk_command_limit;
  int recipient_limit, recipient_overshoot_limit;
  int min_data_rate;
  bool per_request_deadline;
  bool helo_required, strict_envelopes, disable_vrfy, soft_bounce;
  bool smtputf8, strict_smtputf8;
  bool old_utf8, old_flush_domains;  // for the log (config/old_defaults.h)
  bool forbid_pipelining;
  bool port_logging, hide_client, external_addresses;
  bool peername_lookup;
  bool delay_open;       // smtpd_delay_open_until_valid_rcpt
  bool announce_limits;  // smtpd_announce_limits, ours
  BareNewline bare_newline;
  int bare_newline_code;
  std::string content_filter;
  std::string cleanup_path;
  int cleanup_flags;

  Keywords discarded;
  table::TableList discard_maps;
  ClientList verp_clients;
  ClientList bare_newline_exclusions;
  table::MatchList noop_commands;
  table::MatchList forbidden_commands;

  Limits limits;  // over sessions
  AuthSettings auth;
  Trust trust;  // who may speak for other clients
  CommandFilter command_filter;
  RejectText reject_text;
  tls::Level tls_level;
  bool tls_wrapper;
  bool tls_certificate_required;  // of every client
  bool tls_received_header;
  std::chrono::seconds tls_timeout;  // smtpd_starttls_timeout
  bool auth_received_header;         // smtpd_sasl_authenticated_header
  table::MatchList flush_domains;    // fast_flush_domains, for ETRN
  std::string flush_path;
  std::string verp_delimiters, verp_filter;
  bool requiretls, requiretls_header;
  NoticeSettings notices;

  bool tables_changed() const;

 private:
  Settings(const config::Config& of, const Lists& lists);
};

}  // namespace smtpd
