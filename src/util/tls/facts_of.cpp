#include "tls/facts_of.h"

#include <fmt/format.h>

#include <array>

#include "base/text.h"

namespace tls {

namespace {

constexpr int kLongestName = 256;

std::string joined(std::span<const unsigned char> bytes) {
  std::string text;
  for (const unsigned char byte : bytes) text += fmt::format("{}{:02X}", text.empty() ? "" : ":", byte);
  return text;
}

std::string name_entry(const X509_NAME* name, int kind) {
  const int at = X509_NAME_get_index_by_NID(name, kind, -1);
  if (at < 0) return {};
  unsigned char* utf8 = nullptr;
  const int size = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0) {
    ERR_clear_error();
    return {};
  }
  const std::string text(reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size));
  OPENSSL_free(utf8);
  if (size >= kLongestName || text.find('\0') != std::string::npos) return {};
  return base::printable(text);
}

std::string curve_of(const EVP_PKEY* key) {
  std::array<char, 64> name{};
  std::size_t size = 0;
  if (EVP_PKEY_get_group_name(key, name.data(), name.size(), &size) != 1) return {};
  return std::string(name.data(), size);
}

// "X25519", "ECDHE (prime256v1)", "DHE (2048 bits)"
std::string key_exchange_of(SSL* session) {
  EVP_PKEY* raw = nullptr;
  if (SSL_get_peer_tmp_key(session, static_cast<void*>(&raw)) != 1 || raw == nullptr) return {};
  const KeyPointer key(raw);
  switch (EVP_PKEY_get_base_id(key.get())) {
    case EVP_PKEY_EC:
      return fmt::format("ECDHE ({})", curve_of(key.get()));
    case EVP_PKEY_DH:
    case EVP_PKEY_DHX:
      return fmt::format("DHE ({} bits)", EVP_PKEY_get_bits(key.get()));
    default:
      break;
  }
  const char* name = EVP_PKEY_get0_type_name(key.get());
  return name == nullptr ? "" : name;
}

// "RSA-PSS (2048 bits)", "ECDSA (prime256v1)", "ED25519"
std::string signature_of(const EVP_PKEY* key, int signature) {
  if (key == nullptr) return {};
  switch (EVP_PKEY_get_base_id(key)) {
    case EVP_PKEY_EC:
      return fmt::format("ECDSA ({})", curve_of(key));
    case EVP_PKEY_RSA:
    case EVP_PKEY_RSA_PSS:
      return fmt::format("{} ({} bits)", signature == EVP_PKEY_RSA ? "RSA" : "RSA-PSS", EVP_PKEY_get_bits(key));
    default:
      break;
  }
  const char* name = EVP_PKEY_get0_type_name(key);
  return name == nullptr ? "" : name;
}

std::string digest_name(int nid) {
  if (nid == NID_undef) return {};
  const char* name = OBJ_nid2sn(nid);
  return name == nullptr ? "" : name;
}

void add_details(SSL* session, const X509* peer, Facts& facts) {
  facts.key_exchange = key_exchange_of(session);
  int kind = NID_undef;
  int digest = NID_undef;
  // A resumed session has no signature; the key that would have made it is still told.
  const bool is_signed = SSL_get_signature_type_nid(session, &kind) == 1;
  facts.server_signature = signature_of(SSL_get_privatekey(session), is_signed ? kind : EVP_PKEY_RSA_PSS);
  if (is_signed && SSL_get_signature_nid(session, &digest) == 1) facts.server_digest = digest_name(digest);
  if (peer != nullptr && SSL_get_peer_signature_type_nid(session, &kind) == 1) {
    facts.client_signature = signature_of(X509_get0_pubkey(peer), kind);
    if (SSL_get_peer_signature_nid(session, &digest) == 1) facts.client_digest = digest_name(digest);
  }
  ERR_clear_error();
}

}  // namespace

std::string fingerprint(const X509* certificate, const EVP_MD* digest) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  if (digest == nullptr || X509_digest(certificate, digest, hash.data(), &size) != 1) return {};
  return joined(std::span(hash).first(size));
}

std::string key_fingerprint(const X509* certificate, const EVP_MD* digest) {
  unsigned char* der = nullptr;
  const int length = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(certificate), &der);
  if (length <= 0) return {};
  std::array<unsigned char, EVP_MAX_MD_SIZE> hash{};
  unsigned int size = 0;
  const bool made =
      digest != nullptr && EVP_Digest(der, static_cast<std::size_t>(length), hash.data(), &size, digest, nullptr) == 1;
  OPENSSL_free(der);
  return made ? joined(std::span(hash).first(size)) : "";
}

std::string subject_name(const X509* certificate) {
  return name_entry(X509_get_subject_name(certificate), NID_commonName);
}

std::string issuer_name(const X509* certificate) {
  const X509_NAME* issuer = X509_get_issuer_name(certificate);
  const std::string name = name_entry(issuer, NID_commonName);
  return name.empty() ? name_entry(issuer, NID_organizationName) : name;
}

std::string one_line(const X509_NAME* name) {
  std::array<char, 512> text{};
  X509_NAME_oneline(name, text.data(), text.size());
  return base::printable(text.data());
}

Facts facts_of(SSL* session, const EVP_MD* digest, bool asked) {
  Facts facts;
  facts.active = true;
  facts.protocol = SSL_get_version(session);
  const SSL_CIPHER* cipher = SSL_get_current_cipher(session);
  facts.cipher = SSL_CIPHER_get_name(cipher);
  facts.used_bits = SSL_CIPHER_get_bits(cipher, &facts.algorithm_bits);
  facts.reused = SSL_session_reused(session) == 1;
  facts.asked_for_certificate = asked;
  const X509* peer = SSL_get0_peer_certificate(session);
  if (SSL_version(session) >= TLS1_3_VERSION) add_details(session, peer, facts);
  if (peer == nullptr) return facts;
  facts.has_certificate = true;
  facts.trusted = SSL_get_verify_result(session) == X509_V_OK;
  facts.subject_cn = subject_name(peer);
  facts.issuer_cn = issuer_name(peer);
  facts.certificate_fingerprint = fingerprint(peer, digest);
  facts.public_key_fingerprint = key_fingerprint(peer, digest);
  return facts;
}

}  // namespace tls
