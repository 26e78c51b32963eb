#include "tls/context.h"

#include <fmt/format.h>
#include <openssl/conf.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <cerrno>
#include <mutex>
#include <utility>

#include "base/file.h"
#include "base/text.h"
#include "tls/chain.h"

namespace tls {

namespace {

constexpr std::size_t kLargestFile = 1024 * 1024;

std::unexpected<base::Error> failure(std::string_view text) {
  return std::unexpected(base::Error{std::string(text) + after_colon(take_errors())});
}

// The library's own configuration, of which a process has one: loaded at the first need.
std::expected<void, base::Error> load_library_configuration(const ServerSettings& settings) {
  static std::mutex mutex;
  static std::string loaded;
  const std::scoped_lock lock(mutex);
  const std::string wanted = settings.config_file + " " + settings.config_name;
  if (wanted == loaded) return {};
  const char* name = settings.config_name.empty() ? nullptr : settings.config_name.c_str();
  if (settings.config_file == "default" && name == nullptr) {
    OPENSSL_init_ssl(OPENSSL_INIT_LOAD_CONFIG, nullptr);
    take_errors();
  } else {
    OPENSSL_init_ssl(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr);
    if (settings.config_file == "default") {
      CONF_modules_load_file(nullptr, name,
                             CONF_MFLAGS_DEFAULT_SECTION | CONF_MFLAGS_IGNORE_MISSING_FILE | CONF_MFLAGS_IGNORE_ERRORS);
      take_errors();
    } else if (settings.config_file != "none" && CONF_modules_load_file(settings.config_file.c_str(), name, 0) != 1) {
      return failure(fmt::format("cannot use tls_config_file \"{}\"", settings.config_file));
    }
  }
  loaded = wanted;
  return {};
}

std::expected<std::vector<Chain>, base::Error> read_chains(const ServerSettings& settings) {
  if (!settings.chain_files.empty()) {
    auto chains = read_chain_files(settings.chain_files);
    if (chains && chains->empty()) return failure("error loading private keys and certificates: there is none");
    return chains;
  }
  std::vector<Chain> chains;
  for (const CertificateFiles& files : settings.certificates) {
    auto chain = read_pair(files.kind, files.certificate, files.key);
    if (!chain) return std::unexpected(chain.error());
    chains.push_back(std::move(*chain));
  }
  return chains;
}

std::expected<void, base::Error> use_authorities(SSL_CTX* context, const ServerSettings& settings) {
  const auto fail = [&](std::string_view which, const std::string& where) {
    return failure(fmt::format("cannot load Certification Authority data, {}=\"{}\"", which, where));
  };
  if (!settings.ca_file.empty()) {
    if (SSL_CTX_load_verify_file(context, settings.ca_file.c_str()) != 1) return fail("CAfile", settings.ca_file);
    if (settings.asks_for_certificate) {
      STACK_OF(X509_NAME)* names = SSL_load_client_CA_file(settings.ca_file.c_str());
      if (names == nullptr) return fail("CAfile", settings.ca_file);
      SSL_CTX_set_client_CA_list(context, names);
    }
  }
  if (!settings.ca_path.empty() && SSL_CTX_load_verify_dir(context, settings.ca_path.c_str()) != 1) {
    return fail("CApath", settings.ca_path);
  }
  if (settings.default_ca && SSL_CTX_set_default_verify_paths(context) != 1) {
    return failure("cannot set certificate verification paths");
  }
  return {};
}

// Groups that the library does not know are left out.
void use_groups(Context& context, const ServerSettings& settings) {
  std::string list;
  const auto add = [&](const std::string& names, std::string_view what) {
    for (const std::string_view name : base::split(names, ",: \t\r\n")) {
      if (set_groups(context.pointer.get(), std::string(name))) {
        list += list.empty() ? "" : ":";
        list += name;
      } else {
        context.warnings.push_back(fmt::format("ignoring unknown {} \"{}\"", what, name));
      }
    }
  };
  // An unknown one first leaves the library's own choice alone, so a list of none but unknown ones does.
  add(settings.curves, "ECDHE curve");
  add(settings.groups, "FFDHE group");
  take_errors();
  if (!list.empty()) set_groups(context.pointer.get(), std::move(list));
}

void use_dh(Context& context, const std::string& file) {
  SSL_CTX_set_dh_auto(context.pointer.get(), 1);
  if (file.empty()) return;
  const auto text = base::read_file(file, kLargestFile);
  if (!text) {
    context.warnings.push_back(
        fmt::format("error opening DH parameter file: {} -- using compiled-in defaults", text.error().text));
    return;
  }
  KeyPointer parameters(PEM_read_bio_Parameters(reading(*text).get(), nullptr));
  if (!parameters || SSL_CTX_set0_tmp_dh_pkey(context.pointer.get(), parameters.get()) != 1) {
    context.warnings.push_back(fmt::format("cannot use DH parameters from file \"{}\"{} -- using compiled-in defaults",
                                           file, after_colon(take_errors())));
    return;
  }
  (void)parameters.release();  // the context's now
}

std::expected<void, base::Error> use_protocols(SSL_CTX* context, const Protocols& protocols) {
  if (SSL_CTX_set_min_proto_version(context, protocols.lowest) != 1 ||
      SSL_CTX_set_max_proto_version(context, protocols.highest) != 1) {
    return failure(fmt::format("the library does not speak TLS versions from 0x{:04x} to 0x{:04x}", protocols.lowest,
                               protocols.highest));
  }
  SSL_CTX_set_options(context, protocols.excluded);
  return {};
}

void use_options(SSL_CTX* context, const ServerSettings& settings) {
  // A peer that goes without the closing words of TLS ends the stream as one that says them: no command and no message
  // of SMTP ends with the connection.
  SSL_CTX_set_options(
      context, (SSL_OP_ALL & ~settings.workarounds_off) | SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
  SSL_CTX_clear_options(context, settings.workarounds_off);
  SSL_CTX_set_options(context, settings.options);
  if (settings.own_cipher_order) SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  // An idle session holds no buffers; a reply is one write.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_AUTO_RETRY);
  SSL_CTX_clear_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE);
  SSL_CTX_set_read_ahead(context, 1);
}

// Those whom we trust to vouch for clients, as far as files of ours tell.
std::string trusted_authorities(SSL_CTX* context) {
  std::string all;
  const STACK_OF(X509_OBJECT)* objects = X509_STORE_get0_objects(SSL_CTX_get_cert_store(context));
  for (int i = 0; i < sk_X509_OBJECT_num(objects); ++i) {
    const X509* authority = X509_OBJECT_get0_X509(sk_X509_OBJECT_value(objects, i));
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned int size = 0;
    if (authority == nullptr || X509_digest(authority, EVP_sha256(), hash, &size) != 1) continue;
    all.append(reinterpret_cast<const char*>(hash), size);
  }
  return all;
}

// A session is resumed only by a service of the same name that would have taken it anew: whoever lost our trust since
// would come back with the ticket as one whose certificate is verified.
void use_session_context(SSL_CTX* context, const ServerSettings& settings) {
  std::string identity =
      fmt::format("{}\n{}\n{}\n{}\n{}\n{}", settings.service_name, settings.ciphers, settings.protocols.lowest,
                  settings.protocols.highest, settings.protocols.excluded, settings.asks_for_certificate);
  if (settings.asks_for_certificate) identity += "\n" + trusted_authorities(context);
  unsigned char hash[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(identity.data(), identity.size(), hash, &size, EVP_sha256(), nullptr);
  SSL_CTX_set_session_id_context(context, hash, std::min<unsigned>(size, SSL_MAX_SSL_SESSION_ID_LENGTH));
}

void use_sessions(Context& context, const ServerSettings& settings, bool with_tickets) {
  SSL_CTX* pointer = context.pointer.get();
  use_session_context(pointer, settings);
  context.tickets = with_tickets && settings.session_time > base::Seconds(0) && !settings.ticket_cipher.empty() &&
                    (SSL_CTX_get_options(pointer) & SSL_OP_NO_TICKET) == 0;
  if (context.tickets && !ticket_cipher(settings.ticket_cipher)) {
    context.warnings.push_back(
        fmt::format("tls_session_ticket_cipher: {} is not a 128-bit block CBC cipher with 128 to 256 bit keys: session "
                    "tickets are off",
                    settings.ticket_cipher));
    context.tickets = false;
  }
  // Sessions live in tickets; the library's own cache would be one process's.
  if (context.tickets || settings.always_session_ids) {
    SSL_CTX_set_session_cache_mode(pointer,
                                   SSL_SESS_CACHE_SERVER | SSL_SESS_CACHE_NO_INTERNAL | SSL_SESS_CACHE_NO_AUTO_CLEAR);
  } else {
    SSL_CTX_set_session_cache_mode(pointer, SSL_SESS_CACHE_OFF);
  }
  if (context.tickets) {
    SSL_CTX_set_timeout(pointer, static_cast<long>(settings.session_time.count()));
    SSL_CTX_set_num_tickets(pointer, 1);
  } else {
    SSL_CTX_set_options(pointer, SSL_OP_NO_TICKET);
    SSL_CTX_set_num_tickets(pointer, 0);
  }
}

}  // namespace

CipherPointer ticket_cipher(const std::string& name) {
  constexpr int kBlock = 16;
  CipherPointer cipher(EVP_CIPHER_fetch(nullptr, name.c_str(), nullptr));
  take_errors();
  if (!cipher || EVP_CIPHER_get_mode(cipher.get()) != EVP_CIPH_CBC_MODE ||
      EVP_CIPHER_get_block_size(cipher.get()) != kBlock || EVP_CIPHER_get_iv_length(cipher.get()) != kBlock ||
      EVP_CIPHER_get_key_length(cipher.get()) < 16 || EVP_CIPHER_get_key_length(cipher.get()) > 32) {
    return nullptr;
  }
  return cipher;
}

DigestPointer digest(const std::string& name) {
  DigestPointer found(EVP_MD_fetch(nullptr, name.c_str(), nullptr));
  take_errors();
  return found;
}

std::expected<Context, base::Error> make_context(const ServerSettings& settings, bool with_tickets) {
  ERR_clear_error();
  if (auto loaded = load_library_configuration(settings); !loaded) return std::unexpected(loaded.error());
  Context context;
  context.pointer.reset(SSL_CTX_new(TLS_server_method()));
  SSL_CTX* pointer = context.pointer.get();
  if (pointer == nullptr) return failure("cannot allocate server SSL_CTX");
  // Protocol and cipher parameters say alone what is good enough: at the distributors' level the library would leave
  // out TLS 1.0 and 1.1 and anonymous ciphers where they are asked for. A cipher list may still say "@SECLEVEL=2".
  SSL_CTX_set_security_level(pointer, 0);
  use_options(pointer, settings);
  if (auto used = use_protocols(pointer, settings.protocols); !used) return std::unexpected(used.error());
  if (SSL_CTX_set_cipher_list(pointer, settings.ciphers.c_str()) != 1) {
    return failure(fmt::format("no cipher of the library is in the list \"{}\"", settings.ciphers));
  }
  const auto chains = read_chains(settings);
  if (!chains) return std::unexpected(chains.error());
  const Replaces replaces = settings.chain_files.empty() ? Replaces::yes : Replaces::no;
  for (const Chain& chain : *chains) {
    if (auto used = use(pointer, chain, replaces); !used) return std::unexpected(used.error());
    context.signs_slowly = context.signs_slowly || signs_slowly(chain);
    if (X509_cmp_current_time(X509_get0_notAfter(chain.certificates.front().get())) < 0) {
      context.warnings.emplace_back("a server certificate has expired");
    }
  }
  if (auto used = use_authorities(pointer, settings); !used) return std::unexpected(used.error());
  if (!digest(settings.fingerprint_digest)) {
    return failure(fmt::format("Digest algorithm \"{}\" not found", settings.fingerprint_digest));
  }
  use_groups(context, settings);
  use_dh(context, settings.dh_file);
  use_sessions(context, settings, with_tickets);
  take_errors();
  return context;
}

}  // namespace tls
