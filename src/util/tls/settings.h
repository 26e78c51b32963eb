#pragma once
// main.cf as the server's side of TLS reads it, checked.

#include <string>
#include <string_view>
#include <vector>

#include "base/time_units.h"
#include "config/config.h"
#include "tls/server.h"
#include "tls/words.h"

namespace tls {

// A private key and its certificate, each in a file of its own (often the same).
struct CertificateFiles {
  std::string_view kind;  // "RSA"
  std::string certificate;
  std::string key;
};

struct ServerSettings {
  explicit ServerSettings(const config::Config& config);  // throws config::BadValue

  Level level = Level::none;  // encrypt in wrapper mode
  int log_level = 0;

  std::vector<std::string> chain_files;
  std::vector<CertificateFiles> certificates;  // when there are no chain files
  bool without_certificate = false;            // smtpd_tls_cert_file = none

  bool asks_for_certificate = false;
  bool requires_certificate = false;
  std::string ca_file, ca_path;
  bool default_ca = false;
  bool trusts_server_certificates = false;
  int verify_depth = 9;
  std::string fingerprint_digest;

  Protocols protocols;
  std::string ciphers;
  bool own_cipher_order = false;
  std::string curves, groups;
  std::string dh_file;
  std::uint64_t options = 0;
  std::uint64_t workarounds_off = 0;
  std::string config_file, config_name;

  std::string server_names;  // tls_server_sni_maps
  std::string ticket_cipher;
  base::Seconds session_time{0};  // 0: nothing is resumed
  bool always_session_ids = true;
  std::string service_name;

  // In these words TLS is off, and the first of them is why. Each text begins with where the parameter stands.
  std::vector<base::Error> mistakes;
  std::vector<std::string> warnings;  // TLS works, though not quite as asked
};

// "/etc/postfix/main.cf, line 12: name: text", without the place when the parameter is not set.
base::Error mistake_in(const config::Config& config, std::string_view parameter, std::string_view text);

// All files that are read: certificates, keys, authorities, parameters.
std::vector<std::string> files_of(const ServerSettings& settings);

}  // namespace tls
