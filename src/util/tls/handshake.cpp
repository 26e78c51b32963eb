#include "tls/handshake.h"

#include <fmt/format.h>
#include <openssl/core_names.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include <cstring>

#include "logging/log.h"
#include "tls/facts_of.h"
#include "tls/server_names.h"

namespace tls {

namespace {

int place() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
  return index;
}

Handshake* of(const SSL* session) {
  return static_cast<Handshake*>(SSL_get_ex_data(session, place()));
}

// --- log level 2: what the library does

void tell_state(const SSL* session, int where, int result) {
  if ((where & SSL_CB_LOOP) != 0) {
    logging::info("tls.state", "SSL_accept:{state}", {{"state", SSL_state_string_long(session)}});
  } else if ((where & SSL_CB_ALERT) != 0) {
    // The closing words of every session are no news.
    if ((result & 0xff) == SSL3_AD_CLOSE_NOTIFY) return;
    logging::info("tls.alert", "SSL3 alert {direction}:{type}:{text}",
                  {{"direction", (where & SSL_CB_READ) != 0 ? "read" : "write"},
                   {"type", SSL_alert_type_string_long(result)},
                   {"text", SSL_alert_desc_string_long(result)}});
  } else if ((where & SSL_CB_EXIT) != 0 && result == 0) {
    logging::info("tls.state", "SSL_accept:failed in {state}", {{"state", SSL_state_string_long(session)}});
  } else if ((where & SSL_CB_EXIT) != 0 && result < 0 && SSL_want(session) == SSL_NOTHING) {
    logging::info("tls.state", "SSL_accept:error in {state}", {{"state", SSL_state_string_long(session)}});
  }
}

// --- the client's certificate

std::string reason(X509_STORE_CTX* chain, int error, int depth_limit) {
  const X509* certificate = X509_STORE_CTX_get_current_cert(chain);
  switch (error) {
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
      return "self-signed certificate";
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
      return "untrusted issuer " + (certificate == nullptr ? "" : one_line(X509_get_issuer_name(certificate)));
    case X509_V_ERR_CERT_NOT_YET_VALID:
    case X509_V_ERR_ERROR_IN_CERT_NOT_BEFORE_FIELD:
      return "certificate not yet valid";
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_ERROR_IN_CERT_NOT_AFTER_FIELD:
      return "certificate has expired";
    case X509_V_ERR_INVALID_PURPOSE:
      return "not designated for use as a client certificate";
    case X509_V_ERR_CERT_CHAIN_TOO_LONG:
      return fmt::format("certificate chain longer than limit({})", depth_limit);
    default:
      return fmt::format("num={}:{}", error, X509_verify_cert_error_string(error));
  }
}

// Never ends the handshake: the session goes on with a certificate that is not trusted, and whoever needs trust asks.
int check_certificate(int good, X509_STORE_CTX* chain) {
  const auto* session =
      static_cast<const SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  Handshake* handshake = of(session);
  if (handshake == nullptr) return 1;
  X509* certificate = X509_STORE_CTX_get_current_cert(chain);
  const int error = X509_STORE_CTX_get_error(chain);
  if (good == 0 && error == X509_V_ERR_INVALID_PURPOSE && handshake->trusts_server_certificates &&
      certificate != nullptr && X509_check_purpose(certificate, X509_PURPOSE_SSL_SERVER, 0) == 1) {
    // Only this error is none: one before it stays, or a certificate of no authority would do.
    X509_STORE_CTX_set_error(chain, handshake->first_error);
    good = 1;
  }
  if (handshake->log_level >= 2) {
    logging::info("tls.verify", "{client}: depth={depth} verify={verified} subject={subject}",
                  {{"client", handshake->peer},
                   {"depth", X509_STORE_CTX_get_error_depth(chain)},
                   {"verified", good},
                   {"subject", certificate == nullptr ? "" : one_line(X509_get_subject_name(certificate))}});
  }
  if (good == 0 && handshake->first_error == X509_V_OK) handshake->first_error = error;
  if (good == 0 && handshake->distrust.empty()) handshake->distrust = reason(chain, error, handshake->verify_depth);
  return 1;
}

// --- the name that the client asks for

int choose_name(SSL* session, int* alert, void*) {
  Handshake* handshake = of(session);
  const char* name = SSL_get_servername(session, TLSEXT_NAMETYPE_host_name);
  if (handshake == nullptr || name == nullptr || handshake->names == nullptr) return SSL_TLSEXT_ERR_NOACK;
  switch (handshake->names->choose(session, name, handshake->peer)) {
    case ServerNames::Choice::default_chain:
      return SSL_TLSEXT_ERR_NOACK;
    case ServerNames::Choice::chosen:
      handshake->matched_name = name;
      return SSL_TLSEXT_ERR_OK;
    case ServerNames::Choice::failed:
      break;
  }
  *alert = SSL_AD_INTERNAL_ERROR;
  return SSL_TLSEXT_ERR_ALERT_FATAL;
}

// --- the pause before the signature

int pause_once(SSL* session, void*) {
  Handshake* handshake = of(session);
  if (handshake == nullptr || !handshake->pauses_before_signing || handshake->paused) return 1;
  handshake->paused = true;
  return -1;
}

// --- tickets

bool set_up_mac(EVP_MAC_CTX* mac, const TicketKey& key) {
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_end()};
  return EVP_MAC_init(mac, key.hmac.data(), key.hmac.size(), parameters) == 1;
}

void tell_ticket(const Handshake& handshake, std::string_view what, const TicketKey& key) {
  if (handshake.log_level < 2) return;
  logging::info("tls.ticket", "{client}: {what} session ticket, key expiration: {time}",
                {{"client", handshake.peer}, {"what", what}, {"time", key.expires}});
}

int seal(const Handshake& handshake, unsigned char name[16], unsigned char* vector, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac) {
  if (!handshake.sealing) return 0;
  const TicketKey& key = *handshake.sealing;
  if (RAND_bytes(vector, EVP_CIPHER_get_iv_length(handshake.ticket_cipher)) != 1 ||
      EVP_EncryptInit_ex2(cipher, handshake.ticket_cipher, key.cipher.data(), vector, nullptr) != 1 ||
      !set_up_mac(mac, key)) {
    return -1;
  }
  std::memcpy(name, key.name.data(), key.name.size());
  tell_ticket(handshake, "Issuing", key);
  return 1;
}

int open(const Handshake& handshake, const unsigned char name[16], const unsigned char* vector, EVP_CIPHER_CTX* cipher,
         EVP_MAC_CTX* mac) {
  constexpr int kUnknown = 0;
  constexpr int kOpen = 1;
  constexpr int kOpenAndReplace = 2;
  const auto key = handshake.tickets->named(std::span<const std::uint8_t, 16>(name, 16));
  if (!key) return kUnknown;
  if (EVP_DecryptInit_ex2(cipher, handshake.ticket_cipher, key->cipher.data(), vector, nullptr) != 1 ||
      !set_up_mac(mac, *key)) {
    return -1;
  }
  tell_ticket(handshake, "Decrypting", *key);
  return handshake.sealing && handshake.sealing->name != key->name ? kOpenAndReplace : kOpen;
}

int use_ticket_key(SSL* session, unsigned char* name, unsigned char* vector, EVP_CIPHER_CTX* cipher, EVP_MAC_CTX* mac,
                   int sealing) {
  const Handshake* handshake = of(session);
  if (handshake == nullptr || handshake->tickets == nullptr) return 0;
  return sealing != 0 ? seal(*handshake, name, vector, cipher, mac) : open(*handshake, name, vector, cipher, mac);
}

}  // namespace

void set_callbacks(SSL_CTX* context, int log_level, bool tickets, bool names, bool asks_for_certificate,
                   bool may_pause) {
  if (log_level >= 2) SSL_CTX_set_info_callback(context, tell_state);
  if (tickets) SSL_CTX_set_tlsext_ticket_key_evp_cb(context, use_ticket_key);
  // What the macro SSL_CTX_set_tlsext_servername_callback does, without its C cast.
  if (names) {
    SSL_CTX_callback_ctrl(context, SSL_CTRL_SET_TLSEXT_SERVERNAME_CB, reinterpret_cast<void (*)()>(choose_name));
  }
  if (may_pause) SSL_CTX_set_cert_cb(context, pause_once, nullptr);
  if (asks_for_certificate) {
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_CLIENT_ONCE, check_certificate);
  }
}

void attach(SSL* session, Handshake* handshake) {
  SSL_set_ex_data(session, place(), handshake);
}

}  // namespace tls
