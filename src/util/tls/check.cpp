// Every mistake at once, for `postfix check`: what the server would say one at a time, or only to a client.

#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include "base/file.h"
#include "config/param.h"
#include "tls/chain.h"
#include "tls/context.h"
#include "tls/settings.h"
#include "tls/words.h"

namespace tls {

namespace {

namespace param = config::param;

class Check {
 public:
  Check(const config::Config& config, std::vector<base::Error>& mistakes) : config_(config), mistakes_(mistakes) {}

  void files(const ServerSettings& settings) {
    if (!settings.chain_files.empty()) {
      if (const auto chains = read_chain_files(settings.chain_files); !chains) {
        add("smtpd_tls_chain_files", chains.error().text);
      } else if (chains->empty()) {
        add("smtpd_tls_chain_files", "there is no private key in it");
      }
    }
    for (const CertificateFiles& pair : settings.certificates) {
      const auto chain = read_pair(pair.kind, pair.certificate, pair.key);
      if (!chain) add(parameter_of(pair), chain.error().text);
    }
    authorities(settings);
    if (!settings.dh_file.empty()) {
      const auto text = base::read_file(settings.dh_file, kLargestFile);
      if (!text) {
        add("smtpd_tls_dh1024_param_file", text.error().text);
      } else if (!KeyPointer(PEM_read_bio_Parameters(reading(*text).get(), nullptr))) {
        add("smtpd_tls_dh1024_param_file",
            fmt::format("no Diffie-Hellman parameters in \"{}\"{}", settings.dh_file, after_colon(take_errors())));
      }
    }
  }

  // Of both levels: a service may have its own with -o.
  void words(const ServerSettings& settings) {
    const bool mandatory = settings.level == Level::encrypt;
    if (mandatory) {
      protocols("smtpd_tls_protocols", config_[param::smtpd_tls_protocols]);
      grade("smtpd_tls_ciphers", config_[param::smtpd_tls_ciphers]);
    } else {
      protocols("smtpd_tls_mandatory_protocols", config_[param::smtpd_tls_mandatory_protocols]);
      grade("smtpd_tls_mandatory_ciphers", config_[param::smtpd_tls_mandatory_ciphers]);
    }
    if (!parse_log_level(config_[param::smtpd_tls_loglevel])) {
      add("smtpd_tls_loglevel", fmt::format("\"{}\" is no number from 0 to 4", config_[param::smtpd_tls_loglevel]));
    }
    if (!digest(settings.fingerprint_digest)) {
      add("smtpd_tls_fingerprint_digest", fmt::format("the library has no digest \"{}\"{}", settings.fingerprint_digest,
                                                      suggestion(settings.fingerprint_digest, kDigests)));
    }
    if (!settings.ticket_cipher.empty() && !ticket_cipher(settings.ticket_cipher)) {
      add("tls_session_ticket_cipher",
          fmt::format("\"{}\" is not a CBC cipher with blocks of 128 bits and keys of 128 to 256 bits",
                      settings.ticket_cipher));
    }
    const ContextPointer context(SSL_CTX_new(TLS_server_method()));
    if (context && !settings.ciphers.empty() && SSL_CTX_set_cipher_list(context.get(), settings.ciphers.c_str()) != 1) {
      add(mandatory ? "smtpd_tls_mandatory_ciphers" : "smtpd_tls_ciphers",
          fmt::format("no cipher of the library is in the list \"{}\"", settings.ciphers));
    }
    take_errors();
  }

 private:
  static constexpr std::size_t kLargestFile = 1024 * 1024;
  static constexpr std::string_view kDigests[] = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256"};

  static std::string_view parameter_of(const CertificateFiles& pair) {
    if (pair.kind == "DSA") return "smtpd_tls_dcert_file";
    return pair.kind == "ECDSA" ? "smtpd_tls_eccert_file" : "smtpd_tls_cert_file";
  }

  void authorities(const ServerSettings& settings) {
    const ContextPointer context(SSL_CTX_new(TLS_server_method()));
    if (!settings.ca_file.empty() && SSL_CTX_load_verify_file(context.get(), settings.ca_file.c_str()) != 1) {
      add("smtpd_tls_CAfile", fmt::format("cannot load \"{}\"{}", settings.ca_file, after_colon(take_errors())));
    }
    if (settings.ca_path.empty()) return;
    const auto status = base::stat_of(settings.ca_path);
    if (!status) {
      add("smtpd_tls_CApath", status.error().text);
    } else if (!S_ISDIR(status->st_mode)) {
      add("smtpd_tls_CApath", fmt::format("\"{}\" is no directory", settings.ca_path));
    }
  }
  void protocols(std::string_view name, const std::string& text) {
    if (const auto parsed = parse_protocols(text); !parsed) {
      add(name, fmt::format("Invalid TLS protocol list \"{}\": {}", text, parsed.error().text));
    }
  }
  void grade(std::string_view name, const std::string& text) {
    if (const auto parsed = parse_grade(text); !parsed) add(name, parsed.error().text);
  }
  void add(std::string_view parameter, std::string_view text) {
    mistakes_.push_back(mistake_in(config_, parameter, text));
  }

  const config::Config& config_;
  std::vector<base::Error>& mistakes_;
};

}  // namespace

std::vector<base::Error> check_server(const config::Config& config) {
  std::vector<base::Error> mistakes;
  try {
    const ServerSettings settings(config);
    if (settings.level == Level::none) return mistakes;
    ERR_clear_error();
    mistakes = settings.mistakes;
    Check check(config, mistakes);
    check.files(settings);
    check.words(settings);
  } catch (const config::BadValue& problem) {
    mistakes.push_back({problem.what()});
  }
  return mistakes;
}

}  // namespace tls
