#pragma once
// What the library knows of a session, as Facts.

#include <string>

#include "tls/facts.h"
#include "tls/openssl.h"

namespace tls {

// After the handshake. The fingerprints are made with the digest. `asked`: the client was asked for a certificate.
Facts facts_of(SSL* session, const EVP_MD* digest, bool asked);

// "79:DA:2F:...", empty when it cannot be made.
std::string fingerprint(const X509* certificate, const EVP_MD* digest);
std::string key_fingerprint(const X509* certificate, const EVP_MD* digest);

// The common name of the subject; of the issuer, which may have none, also its organization. Printable; empty when
// there is none or it is not to be trusted (a NUL byte in it, too long).
std::string subject_name(const X509* certificate);
std::string issuer_name(const X509* certificate);

// "/O=Org/CN=name"
std::string one_line(const X509_NAME* name);

}  // namespace tls
