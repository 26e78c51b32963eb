// Every mistake at once, for `postfix check`: what the server would say one at a time, or only to a client.

#include <fmt/format.h>
#include <openssl/pem.h>
#include <sys/stat.h>

#include <ctime>

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

  static std::string_view parameter_of(const CertificateFiles& pair) {
    if (pair.kind == "DSA") return "smtpd_tls_dcert_file";
    return pair.kind == "ECDSA" ? "smtpd_tls_eccert_file" : "smtpd_tls_cert_file";
  }

 private:
  static constexpr std::size_t kLargestFile = 1024 * 1024;
  static constexpr std::string_view kDigests[] = {"md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha3-256"};

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

// That there is none is said without a place: what asks for one is where to look.
void place_missing_certificate(const config::Config& config, std::vector<base::Error>& mistakes) {
  for (base::Error& mistake : mistakes) {
    if (!mistake.text.starts_with("No server certs")) continue;
    for (const std::string_view name :
         {"smtpd_tls_wrappermode", "smtpd_tls_security_level", "smtpd_enforce_tls", "smtpd_use_tls"}) {
      if (!config.settings().contains(name)) continue;
      mistake = mistake_in(config, name, mistake.text + "; set smtpd_tls_chain_files or smtpd_tls_cert_file");
      break;
    }
  }
}

void doubt_certificate(const config::Config& config, std::string_view parameter, const std::string& file,
                       const Chain& chain, std::vector<std::string>& doubts) {
  const X509* const certificate = chain.certificates.front().get();
  const auto doubt = [&](std::string_view what, const ASN1_TIME* time) {
    tm date{};
    char text[32] = "";
    if (ASN1_TIME_to_tm(time, &date) == 1) std::strftime(text, sizeof text, "%Y-%m-%d", &date);
    doubts.push_back(
        mistake_in(config, parameter, fmt::format("the certificate in \"{}\" {} {}", file, what, text)).text);
  };
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) < 0) {
    doubt("has expired on", X509_get0_notAfter(certificate));
  } else if (X509_cmp_current_time(X509_get0_notBefore(certificate)) > 0) {
    doubt("is not valid before", X509_get0_notBefore(certificate));
  }
}

void doubt_key(const config::Config& config, std::string_view parameter, const std::string& file,
               std::vector<std::string>& doubts) {
  const auto status = base::stat_of(file);
  if (!status || (status->st_mode & 0004) == 0) return;
  doubts.push_back(
      mistake_in(config, parameter,
                 fmt::format("every user can read the private key in \"{}\": \"chmod go= {}\"", file, file))
          .text);
}

}  // namespace

std::vector<std::string> doubts_about_server(const config::Config& config) {
  std::vector<std::string> doubts;
  try {
    const ServerSettings settings(config);
    if (settings.level == Level::none) return doubts;
    ERR_clear_error();
    if (const auto chains = read_chain_files(settings.chain_files)) {
      for (const Chain& chain : *chains) {
        doubt_certificate(config, "smtpd_tls_chain_files", settings.chain_files.front(), chain, doubts);
      }
      // A key comes first.
      if (!chains->empty()) doubt_key(config, "smtpd_tls_chain_files", settings.chain_files.front(), doubts);
    }
    for (const CertificateFiles& pair : settings.certificates) {
      const std::string_view parameter = Check::parameter_of(pair);
      const auto chain = read_pair(pair.kind, pair.certificate, pair.key);
      if (!chain) continue;  // a mistake
      doubt_certificate(config, parameter, pair.certificate, *chain, doubts);
      doubt_key(config, parameter, pair.key, doubts);
    }
    take_errors();
  } catch (const config::BadValue&) {
    doubts.clear();  // a mistake
  }
  return doubts;
}

std::vector<base::Error> check_server(const config::Config& config) {
  std::vector<base::Error> mistakes;
  try {
    const ServerSettings settings(config);
    if (settings.level == Level::none) return mistakes;
    ERR_clear_error();
    mistakes = settings.mistakes;
    if (settings.certificates.empty() && settings.chain_files.empty()) place_missing_certificate(config, mistakes);
    Check check(config, mistakes);
    check.files(settings);
    check.words(settings);
  } catch (const config::BadValue& problem) {
    mistakes.push_back({problem.what()});
  }
  return mistakes;
}

}  // namespace tls
