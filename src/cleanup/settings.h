#pragma once
// What main.cf says to cleanup, read once, and the tables that it names, opened once.

#include <chrono>
#include <memory>
#include <set>
#include <string>
#include <string_view>

#include "config/config.h"
#include "routing/address_map.h"
#include "routing/router.h"

namespace cleanup {

// Which addresses a mapping applies to: the words of canonical_classes and its like.
struct AddressClasses {
  bool envelope_sender = false;
  bool envelope_recipient = false;
  bool header_sender = false;
  bool header_recipient = false;
};
// Throws base::Fatal for a word that is none of the four.
AddressClasses parse_classes(std::string_view parameter, std::string_view value);

// What to do where the header ends with a line that is neither a header nor empty.
enum class BadHeaderEnd { fix_quietly, add_header, reject };

struct Settings {
  explicit Settings(const config::Config& config);  // throws base::Fatal

  std::string myhostname;
  std::string mailer_daemon;  // as a sender: the null sender
  std::string empty_address_recipient;
  std::string always_bcc;
  std::string verp_delimiters;
  std::string undisclosed_recipients_header;
  std::string full_name_charset;
  std::set<std::string, std::less<>> dropped_headers;  // lower case
  std::string rejected_characters;                     // the bytes themselves
  std::string stripped_characters;

  AddressClasses canonical_classes;
  AddressClasses sender_canonical_classes;
  AddressClasses recipient_canonical_classes;
  AddressClasses masquerade_classes;
  BadHeaderEnd bad_header_end = BadHeaderEnd::fix_quietly;

  std::chrono::seconds delay_warning_time;
  std::size_t attribute_limit;
  std::size_t duplicate_limit;  // 0: none
  std::size_t header_size_limit;
  std::size_t header_token_limit;
  std::size_t line_length_limit;
  std::size_t mime_nesting_limit;
  std::size_t mime_boundary_limit;
  std::int64_t message_size_limit;  // 0: none
  int hopcount_limit;

  bool long_queue_ids;
  bool original_recipients;
  bool add_missing_headers;  // also to mail from elsewhere
  bool rewrite_remote_headers;
  bool obsolete_from;
  bool replace_stray_cr_lf;
  bool detect_8bit_encoding;
  bool parse_mime;
  bool smtputf8;
  bool requiretls;
  bool requiretls_header;
  bool external_addresses;  // in the log
};

// The tables are those of one process; when one of them changes the process ends (stale()).
struct Tables {
  explicit Tables(const config::Config& config);

  const config::Config& config;
  routing::Router router;
  routing::AddressMap canonical;
  routing::AddressMap sender_canonical;
  routing::AddressMap recipient_canonical;
  routing::AddressMap virtual_alias;
  routing::AddressMap sender_bcc;
  routing::AddressMap recipient_bcc;
  routing::Masquerade masquerade;

  std::string changed() const;  // the parameter whose table differs from what was opened; empty: none
};

}  // namespace cleanup
