#pragma once
// What is known of a session's TLS: for logs, Received headers, restrictions and policy services. Plain data.

#include <string>

namespace tls {

struct Facts {
  bool active = false;
  std::string protocol;  // "TLSv1.3"
  std::string cipher;    // "TLS_AES_256_GCM_SHA384"
  int used_bits = 0;
  int algorithm_bits = 0;
  bool reused = false;
  // " key-exchange X25519 server-signature RSA-PSS (2048 bits) server-digest SHA256", as logs and Received headers have
  // it, in parts: empty where the session tells nothing.
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

}  // namespace tls
