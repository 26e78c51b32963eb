#pragma once
// The command line of sendmail(1), understood: what to do, and what goes into the envelope.

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace sendmail {

enum class Mode {
  submit,
  verify,       // -bv: a report instead of mail
  start,        // -bd, -bl, smtpd
  dialogue,     // -bs
  list_queue,   // -bp, mailq
  new_aliases,  // -bi, -I, newaliases
  flush_queue,  // -q
  flush_site,   // -qRsite
  flush_id,     // -qIid
  nothing,      // -bh, -bH, -q30m
};

struct Request {
  Mode mode = Mode::submit;
  std::string config_directory;         // -C
  std::string flush_site;               // of -qR
  std::string flush_id;                 // of -qI
  bool is_interval = false;             // -q30m: nothing to do, unless -bd is said, too
  std::string alias_database;           // -oA
  std::vector<std::string> recipients;  // as typed: each may be a list

  bool recipients_in_header = false;  // -t
  bool dot_ends_input = true;         // but for -i
  bool is_gateway = false;            // -G
  bool wants_report = false;          // -v, once
  int verbosity = 0;                  // each further -v
  std::optional<std::string> sender;  // -f, -r, as typed
  std::optional<std::string> full_name;
  std::string encoding;        // 7bit, 8bit
  std::string envelope_id;     // -V
  int notify_flags = 0;        // -N
  int return_flags = 0;        // -R
  bool requires_tls = false;   // -O requiretls=yes
  bool requests_utf8 = false;  // -O smtputf8=yes
  bool wants_verp = false;     // -XV
  std::string verp_delimiters;
};

// "/usr/bin/mailq" is "mailq"; an empty name is "sendmail".
std::string program_name(std::string_view path);

// Throws base::Fatal for what cannot be done; warns of what is passed over.
Request understand(std::string_view name, std::span<char*> arguments);

}  // namespace sendmail
