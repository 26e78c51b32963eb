#pragma once
// Private keys and their certificates, out of PEM text.

#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "tls/openssl.h"

namespace tls {

struct Chain {
  KeyPointer key;
  std::vector<CertificatePointer> certificates;  // the key's own first
};

// Part of a chain file's text, named for messages: a file, or the result of a look-up.
struct PemText {
  std::string name;
  std::string text;
};

// Each key first, then its certificate, then the intermediates; over all texts in their order. The errors are in
// Postfix's words and end without "disabling TLS support".
std::expected<std::vector<Chain>, base::Error> parse_chains(std::span<const PemText> texts);

// From separate files, as smtpd_tls_cert_file and smtpd_tls_key_file name them.
std::expected<Chain, base::Error> read_pair(std::string_view kind, const std::string& certificate_file,
                                            const std::string& key_file);
std::expected<std::vector<Chain>, base::Error> read_chain_files(std::span<const std::string> files);

// In the place of what is there already for this kind of key; in a context an error instead, if so wanted.
enum class Replaces { no, yes };
std::expected<void, base::Error> use(SSL_CTX* context, const Chain& chain, Replaces replaces);
std::expected<void, base::Error> use(SSL* session, const Chain& chain);

// Whether a signature takes longer than other sessions should wait.
bool signs_slowly(const Chain& chain);

}  // namespace tls
