#pragma once
// What is known of a session's TLS: for logs, Received headers, restrictions and policy services. Plain data.

#include <string>
#include <string_view>
#include <vector>

namespace tls {

struct Facts {
  bool active = false;
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  int used_bits = 0;
  int algorithm_bits = 0;
  bool reused = false;
  // Of TLS 1.3: "X25519", "RSA-PSS (2048 bits)", "SHA256". Empty where the session tells nothing.
  std::string key_exchange, server_signature, server_digest, client_signature, client_digest;
  std::string sni;  // that the client asked for and got

  bool asked_for_certificate = false;
  bool has_certificate = false;
  bool trusted = false;                                         // the client's certificate verified
  std::string subject_cn, issuer_cn;                            // made printable
  std::string certificate_fingerprint, public_key_fingerprint;  // smtpd_tls_fingerprint_digest, XX:XX:...
};

// "TLSv1.3 with cipher X (256/256 bits) key-exchange ..." as log lines and Received headers share it.
std::string summary(const Facts& facts);

// What smtpd_tls_received_header puts into a Received header before its `by` line, a line each, without the tab at its
// start (lines after the first may begin with a blank). None without TLS.
std::vector<std::string> received_lines(const Facts& facts);

// "Anonymous", "Untrusted" or "Trusted", as log lines begin.
std::string_view trust(const Facts& facts);

}  // namespace tls
