#include "smtpd/settings.h"

#include <fmt/format.h>

#include "base/text.h"
#include "client/cleanup_client.h"
#include "config/old_defaults.h"
#include "config/param.h"

namespace smtpd {

namespace param = config::param;
namespace flag = client::cleanup_flag;

namespace {

BareNewline bare_newline_of(std::string_view word) {
  if (base::equals_folded(word, "no")) return BareNewline::no;
  if (base::equals_folded(word, "note")) return BareNewline::note;
  if (base::equals_folded(word, "normalize") || base::equals_folded(word, "yes")) return BareNewline::normalize;
  if (base::equals_folded(word, "reject")) return BareNewline::reject;
  throw base::Fatal(fmt::format(
      "parameter smtpd_forbid_bare_newline: unknown value \"{}\"; use normalize, note, reject, yes or no", word));
}

// What cleanup is asked to do with every message.
int cleanup_flags_of(const config::Config& config) {
  // Replies at the end of data are ours to give; checks of headers and body are only asked for when there are any.
  int flags = flag::kBccOk | flag::kMapOk | flag::kFilter | flag::kSmtpReply;
  for (const std::string_view word : base::split(config[param::receive_override_options])) {
    if (base::equals_folded(word, "no_address_mappings"))
      flags &= ~(flag::kBccOk | flag::kMapOk);
    else if (base::equals_folded(word, "no_header_body_checks"))
      flags &= ~flag::kFilter;
    else if (!base::equals_folded(word, "no_milters") && !base::equals_folded(word, "no_unknown_recipient_checks"))
      throw base::Fatal(fmt::format(
          "parameter receive_override_options: unknown word \"{}\"; use no_address_mappings, no_header_body_checks, "
          "no_milters, no_unknown_recipient_checks",
          word));
  }
  if (client::detects_utf8(config[param::smtputf8_autodetect_classes], "smtpd")) flags |= flag::kAutoUtf8;
  return flags;
}

}  // namespace

Settings::Settings(const config::Config& of, std::shared_ptr<table::Pool> pool)
    : Settings(of, Lists(of, std::move(pool))) {}

Settings::Settings(const config::Config& of, const Lists& lists)
    : myhostname(of[param::myhostname]),
      mail_name(of[param::mail_name]),
      banner(of[param::smtpd_banner]),
      timeout(of[param::smtpd_timeout]),
      ipc_timeout(of[param::ipc_timeout]),
      error_sleep(of[param::smtpd_error_sleep_time]),
      line_length_limit(static_cast<std::size_t>(of[param::line_length_limit])),
      message_size_limit(of[param::message_size_limit]),
      queue_minfree(of[param::queue_minfree]),
      soft_error_limit(of[param::smtpd_soft_error_limit]),
      hard_error_limit(of[param::smtpd_hard_error_limit]),
      junk_command_limit(of[param::smtpd_junk_command_limit]),
      recipient_limit(of[param::smtpd_recipient_limit]),
      recipient_overshoot_limit(of[param::smtpd_recipient_overshoot_limit]),
      min_data_rate(of[param::smtpd_min_data_rate]),
      per_request_deadline(of[param::smtpd_per_request_deadline]),
      helo_required(of[param::smtpd_helo_required]),
      strict_envelopes(of[param::strict_rfc821_envelopes]),
      disable_vrfy(of[param::disable_vrfy_command]),
      soft_bounce(of[param::soft_bounce]),
      smtputf8(of[param::smtputf8_enable]),
      strict_smtputf8(of[param::strict_smtputf8]),
      old_utf8(config::has_old_default(of, "smtputf8_enable", "1")),
      old_flush_domains(config::has_old_flush_domains(of)),
      forbid_pipelining(of[param::smtpd_forbid_unauth_pipelining]),
      port_logging(of[param::smtpd_client_port_logging]),
      hide_client(of[param::smtpd_hide_client_session]),
      external_addresses(of[param::info_log_address_format] == "external"),
      peername_lookup(of[param::smtpd_peername_lookup]),
      delay_open(of[param::smtpd_delay_open_until_valid_rcpt]),
      announce_limits(of[param::smtpd_announce_limits]),
      bare_newline(bare_newline_of(of[param::smtpd_forbid_bare_newline])),
      bare_newline_code(of[param::smtpd_forbid_bare_newline_reject_code]),
      content_filter(of[param::content_filter]),
      cleanup_path("public/" + of[param::cleanup_service_name]),
      cleanup_flags(cleanup_flags_of(of)),
      discarded(parse_keywords(of[param::smtpd_discard_ehlo_keywords])),
      discard_maps(
          lists.tables("smtpd_discard_ehlo_keyword_address_maps", param::smtpd_discard_ehlo_keyword_address_maps)),
      verp_clients(lists.clients("smtpd_authorized_verp_clients", param::smtpd_authorized_verp_clients)),
      bare_newline_exclusions(
          lists.clients("smtpd_forbid_bare_newline_exclusions", param::smtpd_forbid_bare_newline_exclusions)),
      noop_commands(lists.patterns("smtpd_noop_commands", param::smtpd_noop_commands)),
      forbidden_commands(lists.patterns("smtpd_forbidden_commands", param::smtpd_forbidden_commands)),
      limits(lists),
      auth(lists),
      trust(lists),
      command_filter(lists),
      reject_text(lists),
      tls_level(tls::server_level(of)),
      tls_wrapper(of[param::smtpd_tls_wrappermode]),
      tls_certificate_required(of[param::smtpd_tls_req_ccert] && tls_level == tls::Level::encrypt),
      tls_received_header(of[param::smtpd_tls_received_header]),
      tls_timeout(of[param::smtpd_starttls_timeout]),
      auth_received_header(of[param::smtpd_sasl_authenticated_header]),
      flush_domains(lists.patterns("fast_flush_domains", param::fast_flush_domains)),
      flush_path("public/" + of[param::flush_service_name]),
      verp_delimiters(of[param::default_verp_delimiters]),
      verp_filter(of[param::verp_delimiter_filter]),
      requiretls(of[param::requiretls_enable]),
      requiretls_header(of[param::requiretls_esmtp_header]),
      notices(of) {}

bool Settings::tables_changed() const {
  return discard_maps.has_changed() || verp_clients.has_changed() || bare_newline_exclusions.has_changed() ||
         noop_commands.has_changed() || forbidden_commands.has_changed() || limits.has_changed() ||
         auth.exceptions.has_changed() || command_filter.has_changed() || reject_text.has_changed() ||
         flush_domains.has_changed() || trust.has_changed();
}

}  // namespace smtpd
