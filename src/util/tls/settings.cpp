#include "tls/settings.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/text.h"
#include "config/param.h"

namespace tls {

namespace {

namespace param = config::param;

constexpr base::Seconds kShortestSession{120};
constexpr std::string_view kLevels[] = {"none", "may", "encrypt", "verify", "secure", "fingerprint"};

struct ReadLevel {
  Level level;
  std::string remark;
};

ReadLevel read_level(const config::Config& config) {
  if (config[param::smtpd_tls_wrappermode]) return {Level::encrypt, {}};
  const std::string& text = config[param::smtpd_tls_security_level];
  if (text.empty()) {
    if (config[param::smtpd_enforce_tls]) return {Level::encrypt, {}};
    return {config[param::smtpd_use_tls] ? Level::may : Level::none, {}};
  }
  if (base::equals_folded(text, "none")) return {Level::none, {}};
  if (base::equals_folded(text, "may")) return {Level::may, {}};
  if (base::equals_folded(text, "encrypt")) return {Level::encrypt, {}};
  // Levels of the client: what a server can do of them is to insist.
  for (const std::string_view level : {"verify", "secure", "fingerprint"}) {
    if (base::equals_folded(text, level)) {
      return {Level::encrypt,
              fmt::format("smtpd_tls_security_level: unsupported TLS level \"{}\", using \"encrypt\"", text)};
    }
  }
  throw config::BadValue(mistake_in(config, "smtpd_tls_security_level",
                                    fmt::format("Invalid TLS level \"{}\"{}", text, suggestion(text, kLevels)))
                             .text);
}

class Reader {
 public:
  Reader(const config::Config& config, ServerSettings& settings) : config_(config), settings_(settings) {}

  void certificates() {
    for (const std::string_view file : base::split(config_[param::smtpd_tls_chain_files])) {
      settings_.chain_files.emplace_back(file);
    }
    const bool legacy = !config_[param::smtpd_tls_cert_file].empty() || !config_[param::smtpd_tls_dcert_file].empty() ||
                        !config_[param::smtpd_tls_eccert_file].empty();
    if (!settings_.chain_files.empty()) {
      if (legacy) {
        settings_.warnings.emplace_back(
            "Both smtpd_tls_chain_files and one or more of the legacy smtpd_tls_cert_file, smtpd_tls_eccert_file or "
            "smtpd_tls_dcert_file are non-empty; the legacy parameters will be ignored");
      }
      return;
    }
    const bool none = base::equals_folded(config_[param::smtpd_tls_cert_file], "none");
    if (!none) add("RSA", config_[param::smtpd_tls_cert_file], config_[param::smtpd_tls_key_file]);
    add("DSA", config_[param::smtpd_tls_dcert_file], config_[param::smtpd_tls_dkey_file]);
    add("ECDSA", config_[param::smtpd_tls_eccert_file], config_[param::smtpd_tls_eckey_file]);
    settings_.without_certificate = none && settings_.certificates.empty();
    if (settings_.without_certificate) {
      if (config_[param::smtpd_tls_ask_ccert] || config_[param::smtpd_tls_req_ccert]) {
        mistake("smtpd_tls_cert_file", "Need a server cert to request client certs");
      }
      return;
    }
    if (settings_.certificates.empty()) {
      settings_.mistakes.push_back({"No server certs available. TLS won't be enabled"});
    }
  }

  void client_certificates() {
    settings_.asks_for_certificate = config_[param::smtpd_tls_ask_ccert];
    settings_.ca_file = config_[param::smtpd_tls_CAfile];
    settings_.ca_path = config_[param::smtpd_tls_CApath];
    settings_.default_ca = config_[param::tls_append_default_CA];
    settings_.trusts_server_certificates = config_[param::tls_trust_server_ccerts];
    settings_.verify_depth = config_[param::smtpd_tls_ccert_verifydepth];
    settings_.fingerprint_digest = config_[param::smtpd_tls_fingerprint_digest];
    if (config_[param::smtpd_tls_req_ccert]) {
      settings_.asks_for_certificate = true;
      settings_.requires_certificate = settings_.level == Level::encrypt;
      if (!settings_.requires_certificate) {
        settings_.warnings.emplace_back("Can't require client certs unless TLS is required");
      }
    }
    if (config_[param::smtpd_tls_enable_rpk]) {
      settings_.warnings.emplace_back(
          "smtpd_tls_enable_rpk: this OpenSSL library has no raw public keys, clients are asked for certificates only");
    }
  }

  void protocols() {
    const bool mandatory = settings_.level == Level::encrypt;
    const std::string_view name = mandatory ? "smtpd_tls_mandatory_protocols" : "smtpd_tls_protocols";
    const std::string& text =
        mandatory ? config_[param::smtpd_tls_mandatory_protocols] : config_[param::smtpd_tls_protocols];
    if (const auto parsed = parse_protocols(text)) {
      settings_.protocols = *parsed;
      if (parsed->highest != 0 && parsed->lowest > parsed->highest) {
        mistake(name, fmt::format("TLS protocol list \"{}\" leaves no version", text));
      }
    } else {
      mistake(name, fmt::format("Invalid TLS protocol list \"{}\": {}", text, parsed.error().text));
    }
  }

  void ciphers() {
    const bool mandatory = settings_.level == Level::encrypt;
    const std::string_view name = mandatory ? "smtpd_tls_mandatory_ciphers" : "smtpd_tls_ciphers";
    const auto grade =
        parse_grade(mandatory ? config_[param::smtpd_tls_mandatory_ciphers] : config_[param::smtpd_tls_ciphers]);
    if (!grade) {
      mistake(name, grade.error().text);
      return;
    }
    // Without a certificate there are only ciphers that need none; and whoever must show a certificate has to be asked
    // for it by someone with a certificate.
    const std::string_view anonymous = settings_.asks_for_certificate ? "aNULL" : "";
    const std::string_view more =
        mandatory ? std::string_view(config_[param::smtpd_tls_mandatory_exclude_ciphers]) : std::string_view();
    exclusions("smtpd_tls_exclude_ciphers", config_[param::smtpd_tls_exclude_ciphers]);
    exclusions("smtpd_tls_mandatory_exclude_ciphers", more);
    settings_.ciphers = cipher_list(list_of(*grade), {config_[param::smtpd_tls_exclude_ciphers], more, anonymous});
    settings_.own_cipher_order = config_[param::tls_preempt_cipherlist];
  }

  void options() {
    settings_.options = parsed_options("tls_ssl_options", config_[param::tls_ssl_options], OptionKind::option);
    settings_.workarounds_off =
        parsed_options("tls_disable_workarounds", config_[param::tls_disable_workarounds], OptionKind::workaround);
    settings_.curves = config_[param::tls_eecdh_auto_curves];
    settings_.groups = config_[param::tls_ffdhe_auto_groups];
    const std::string& dh = config_[param::smtpd_tls_dh1024_param_file];
    if (dh != "auto") settings_.dh_file = dh;
    settings_.config_file = config_[param::tls_config_file];
    settings_.config_name = config_[param::tls_config_name];
    const std::string& file = settings_.config_file;
    if (file != "default" && file != "none" && !file.starts_with('/')) {
      mistake("tls_config_file", fmt::format("\"{}\" is none of \"default\", \"none\" and an absolute path", file));
    }
  }

  void sessions() {
    settings_.server_names = config_[param::tls_server_sni_maps];
    settings_.ticket_cipher = config_[param::tls_session_ticket_cipher];
    settings_.session_time = config_[param::smtpd_tls_session_cache_timeout];
    if (settings_.session_time > base::Seconds(0)) {
      settings_.session_time = std::max(settings_.session_time, kShortestSession);
    }
    settings_.always_session_ids = config_[param::smtpd_tls_always_issue_session_ids];
    settings_.service_name = config_.value("service_name").value_or("");
  }

  void log_level() {
    const std::string& text = config_[param::smtpd_tls_loglevel];
    if (const auto level = parse_log_level(text)) {
      settings_.log_level = *level;
    } else {
      settings_.warnings.push_back(fmt::format("unknown smtpd_tls_loglevel value \"{}\" in \"{}\"", text, text));
    }
    if (!config_[param::smtpd_tls_loglevel_maps].empty()) {
      settings_.warnings.emplace_back("smtpd_tls_loglevel_maps is ignored: smtpd_tls_loglevel holds for all clients");
    }
  }

 private:
  void add(std::string_view kind, const std::string& certificate, const std::string& key) {
    if (!certificate.empty()) {
      settings_.certificates.push_back({kind, certificate, key.empty() ? certificate : key});
    }
  }
  const std::string& list_of(Grade grade) const {
    switch (grade) {
      case Grade::high:
        return config_[param::tls_high_cipherlist];
      case Grade::medium:
        return config_[param::tls_medium_cipherlist];
      case Grade::null:
        break;
    }
    return config_[param::tls_null_cipherlist];
  }
  // To the library, "!-AES" would be a word without meaning, and AES would stay in.
  void exclusions(std::string_view name, std::string_view text) {
    if (const auto word = bad_exclusion(text); !word.empty()) {
      mistake(name, fmt::format("invalid unary '!+-@' in cipher exclusion: {}", word));
    }
  }
  std::uint64_t parsed_options(std::string_view name, const std::string& text, OptionKind kind) {
    const auto bits = parse_options(text, kind);
    if (!bits) mistake(name, fmt::format("{} in \"{}\"", bits.error().text, text));
    return bits.value_or(0);
  }
  void mistake(std::string_view parameter, std::string_view text) {
    settings_.mistakes.push_back(mistake_in(config_, parameter, text));
  }

  const config::Config& config_;
  ServerSettings& settings_;
};

}  // namespace

base::Error mistake_in(const config::Config& config, std::string_view parameter, std::string_view text) {
  const auto setting = config.settings().find(parameter);
  if (setting == config.settings().end()) return {fmt::format("{}: {}", parameter, text)};
  return {fmt::format("{}: {}: {}", setting->second.where.text(), parameter, text)};
}

Level server_level(const config::Config& config) {
  return read_level(config).level;
}

ServerSettings::ServerSettings(const config::Config& config) {
  ReadLevel read = read_level(config);
  level = read.level;
  if (!read.remark.empty()) warnings.push_back(std::move(read.remark));
  Reader reader(config, *this);
  reader.log_level();
  reader.certificates();
  reader.client_certificates();
  reader.protocols();
  reader.ciphers();
  reader.options();
  reader.sessions();
}

std::vector<std::string> files_of(const ServerSettings& settings) {
  std::vector<std::string> files = settings.chain_files;
  for (const CertificateFiles& pair : settings.certificates) {
    files.push_back(pair.certificate);
    if (pair.key != pair.certificate) files.push_back(pair.key);
  }
  if (!settings.ca_file.empty()) files.push_back(settings.ca_file);
  if (!settings.dh_file.empty()) files.push_back(settings.dh_file);
  return files;
}

}  // namespace tls
