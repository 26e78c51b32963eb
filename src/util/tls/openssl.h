#pragma once
// OpenSSL's objects with owners, and its queue of errors as text.

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace tls {

template <auto Free>
struct Freed {
  void operator()(auto* object) const { Free(object); }
};
using ContextPointer = std::unique_ptr<SSL_CTX, Freed<&SSL_CTX_free>>;
using SslPointer = std::unique_ptr<SSL, Freed<&SSL_free>>;
using BioPointer = std::unique_ptr<BIO, Freed<&BIO_free>>;
using KeyPointer = std::unique_ptr<EVP_PKEY, Freed<&EVP_PKEY_free>>;
using CertificatePointer = std::unique_ptr<X509, Freed<&X509_free>>;
using DigestPointer = std::unique_ptr<EVP_MD, Freed<&EVP_MD_free>>;
using CipherPointer = std::unique_ptr<EVP_CIPHER, Freed<&EVP_CIPHER_free>>;

// What the library has put into this thread's queue, oldest first: "error:0A00010B:SSL routines::wrong version number:
// ssl3_record.c:350:". The queue is empty afterwards. An operation on a session must find it empty.
std::vector<std::string> take_errors();

// "warning: TLS library problem: <error>" for each of them.
void log_errors();
void log_errors(const std::vector<std::string>& errors);

// The errors as the end of a sentence: ": a; b", or nothing.
std::string after_colon(const std::vector<std::string>& errors);

// Takes "a:b:c" as the groups to agree on; false when the library does not know one of them. By value, because the
// library's macro casts const away.
bool set_groups(SSL_CTX* context, std::string names);

// A memory BIO that reads the text, which must outlive it.
BioPointer reading(std::string_view text);

}  // namespace tls
