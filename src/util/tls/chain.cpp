#include "tls/chain.h"

#include <fmt/format.h>
#include <openssl/pem.h>

#include <optional>

#include "base/file.h"

namespace tls {

namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;
constexpr int kSlowKeyBits = 3072;  // of RSA

// One object of a PEM file.
struct Block {
  std::string name;
  bool encrypted = false;
  std::vector<unsigned char> bytes;
};

// Nothing at the end, and where the text is no PEM.
std::optional<Block> next_block(BIO* from) {
  char* name = nullptr;
  char* header = nullptr;
  unsigned char* bytes = nullptr;
  long size = 0;
  if (PEM_read_bio(from, &name, &header, &bytes, &size) != 1) return std::nullopt;
  Block block;
  block.name = name;
  block.encrypted = block.name == PEM_STRING_PKCS8 || std::string_view(header).find("ENCRYPTED") != std::string::npos;
  block.bytes.assign(bytes, bytes + size);
  OPENSSL_free(name);
  OPENSSL_free(header);
  OPENSSL_clear_free(bytes, static_cast<std::size_t>(size));
  return block;
}

bool is_key(const Block& block) {
  return block.name.ends_with("PRIVATE KEY");
}
bool is_certificate(const Block& block) {
  return block.name == PEM_STRING_X509 || block.name == PEM_STRING_X509_OLD;
}

std::expected<KeyPointer, base::Error> key_of(const Block& block) {
  if (block.encrypted) return std::unexpected(base::Error{"the private key is encrypted"});
  const unsigned char* at = block.bytes.data();
  KeyPointer key(d2i_AutoPrivateKey(nullptr, &at, static_cast<long>(block.bytes.size())));
  if (!key) return std::unexpected(base::Error{"bad private key" + after_colon(take_errors())});
  return key;
}

std::expected<CertificatePointer, base::Error> certificate_of(const Block& block) {
  const unsigned char* at = block.bytes.data();
  CertificatePointer certificate(d2i_X509(nullptr, &at, static_cast<long>(block.bytes.size())));
  if (!certificate) return std::unexpected(base::Error{"bad certificate" + after_colon(take_errors())});
  return certificate;
}

bool fits(const Chain& chain) {
  const bool result = X509_check_private_key(chain.certificates.front().get(), chain.key.get()) == 1;
  take_errors();
  return result;
}

// PEM_read_bio says "no start line" at the end of every text.
void forget_the_end() {
  take_errors();
}

// The first object of the wanted kind in a file.
template <typename Wanted>
std::expected<Block, base::Error> first_in(const std::string& file, Wanted&& wanted) {
  const auto text = base::read_file(file, kLargestFile);
  if (!text) return std::unexpected(text.error());
  const BioPointer bio = reading(*text);
  while (auto block = next_block(bio.get())) {
    if (wanted(*block)) return std::move(*block);
  }
  forget_the_end();
  return std::unexpected(base::Error{"there is none in it"});
}

using Stack = std::unique_ptr<STACK_OF(X509), Freed<[](STACK_OF(X509) * stack) { sk_X509_free(stack); }>>;

// None when the file has only the server's own: then the library looks for them among the authorities, as it would not
// with an empty stack.
Stack intermediates(const Chain& chain) {
  if (chain.certificates.size() == 1) return nullptr;
  Stack stack(sk_X509_new_null());
  for (std::size_t i = 1; i < chain.certificates.size(); ++i) sk_X509_push(stack.get(), chain.certificates[i].get());
  return stack;
}

std::expected<void, base::Error> used(int result) {
  if (result == 1) return {};
  return std::unexpected(base::Error{"the library does not take the certificate" + after_colon(take_errors())});
}

}  // namespace

std::expected<std::vector<Chain>, base::Error> parse_chains(std::span<const PemText> texts) {
  std::vector<Chain> chains;
  int keys = 0;
  for (const PemText& text : texts) {
    const auto fail = [&](std::string_view what) {
      return std::unexpected(base::Error{fmt::format("error loading chain from {}: {}", text.name, what)});
    };
    const BioPointer bio = reading(text.text);
    while (const auto block = next_block(bio.get())) {
      if (is_key(*block)) {
        if (!chains.empty() && chains.back().certificates.empty()) return fail("key not followed by its certificate");
        auto key = key_of(*block);
        if (!key) return fail(key.error().text);
        chains.emplace_back().key = std::move(*key);
        ++keys;
      } else if (is_certificate(*block)) {
        if (chains.empty()) return fail("key not first");
        auto certificate = certificate_of(*block);
        if (!certificate) return fail(certificate.error().text);
        Chain& chain = chains.back();
        chain.certificates.push_back(std::move(*certificate));
        if (chain.certificates.size() == 1 && !fits(chain)) {
          return std::unexpected(
              base::Error{fmt::format("key at index {} in {} does not match next certificate", keys, text.name)});
        }
      } else if (block->name != PEM_STRING_ECPARAMETERS && block->name != PEM_STRING_DHPARAMS) {
        return fail(fmt::format("unexpected PEM type: {}", block->name));
      }
    }
    const std::vector<std::string> errors = take_errors();
    if (errors.size() > 1 || (errors.size() == 1 && errors[0].find("no start line") == std::string::npos)) {
      return fail("bad PEM data" + after_colon(errors));
    }
  }
  if (!chains.empty() && chains.back().certificates.empty()) {
    return std::unexpected(base::Error{
        fmt::format("error loading chain from {}: key not followed by its certificate", texts.back().name)});
  }
  return chains;
}

std::expected<Chain, base::Error> read_pair(std::string_view kind, const std::string& certificate_file,
                                            const std::string& key_file) {
  const auto fail = [&](std::string_view what, const std::string& file, std::string_view why) {
    return std::unexpected(base::Error{fmt::format("cannot get {} {} from file \"{}\": {}", kind, what, file, why)});
  };
  Chain chain;
  const auto text = base::read_file(certificate_file, kLargestFile);
  if (!text) return fail("certificate", certificate_file, text.error().text);
  const BioPointer bio = reading(*text);
  while (const auto block = next_block(bio.get())) {
    if (!is_certificate(*block)) continue;
    auto certificate = certificate_of(*block);
    if (!certificate) return fail("certificate", certificate_file, certificate.error().text);
    chain.certificates.push_back(std::move(*certificate));
  }
  forget_the_end();
  if (chain.certificates.empty()) return fail("certificate", certificate_file, "there is none in it");
  const auto block = first_in(key_file, is_key);
  if (!block) return fail("private key", key_file, block.error().text);
  auto key = key_of(*block);
  if (!key) return fail("private key", key_file, key.error().text);
  chain.key = std::move(*key);
  if (!fits(chain)) {
    return fail("private key", key_file, fmt::format("it does not match the certificate in \"{}\"", certificate_file));
  }
  return chain;
}

std::expected<std::vector<Chain>, base::Error> read_chain_files(std::span<const std::string> files) {
  std::vector<PemText> texts;
  for (const std::string& file : files) {
    auto text = base::read_file(file, kLargestFile);
    if (!text) return std::unexpected(base::Error{"error opening chain file: " + text.error().text});
    texts.push_back({file, std::move(*text)});
  }
  return parse_chains(texts);
}

std::expected<void, base::Error> use(SSL_CTX* context, const Chain& chain, Replaces replaces) {
  return used(SSL_CTX_use_cert_and_key(context, chain.certificates.front().get(), chain.key.get(),
                                       intermediates(chain).get(), replaces == Replaces::yes ? 1 : 0));
}

std::expected<void, base::Error> use(SSL* session, const Chain& chain) {
  return used(
      SSL_use_cert_and_key(session, chain.certificates.front().get(), chain.key.get(), intermediates(chain).get(), 1));
}

bool signs_slowly(const Chain& chain) {
  return EVP_PKEY_get_base_id(chain.key.get()) == EVP_PKEY_RSA && EVP_PKEY_get_bits(chain.key.get()) > kSlowKeyBits;
}

}  // namespace tls
