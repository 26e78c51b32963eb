#include "cleanup/settings.h"

#include "base/error.h"
#include "base/text.h"
#include "cleanup/escapes.h"
#include "config/from_header.h"
#include "config/param.h"

namespace cleanup {

namespace param = config::param;

AddressClasses parse_classes(std::string_view parameter, std::string_view value) {
  AddressClasses classes;
  const auto words = base::split(value);
  for (const std::string_view word : words) {
    if (base::equals_folded(word, "envelope_sender"))
      classes.envelope_sender = true;
    else if (base::equals_folded(word, "envelope_recipient"))
      classes.envelope_recipient = true;
    else if (base::equals_folded(word, "header_sender"))
      classes.header_sender = true;
    else if (base::equals_folded(word, "header_recipient"))
      classes.header_recipient = true;
    else
      throw base::Fatal("parameter " + std::string(parameter) + ": unknown address class \"" + std::string(word) +
                        "\"; use envelope_sender, envelope_recipient, header_sender, header_recipient");
  }
  if (words.empty()) throw base::Fatal("parameter " + std::string(parameter) + ": no address class is given");
  return classes;
}

namespace {

BadHeaderEnd parse_header_end(std::string_view value) {
  if (base::equals_folded(value, "fix_quietly")) return BadHeaderEnd::fix_quietly;
  if (base::equals_folded(value, "add_header")) return BadHeaderEnd::add_header;
  if (base::equals_folded(value, "reject")) return BadHeaderEnd::reject;
  throw base::Fatal("parameter non_empty_end_of_header_action: unknown value \"" + std::string(value) +
                    "\"; use fix_quietly, add_header or reject");
}

std::string parse_characters(std::string_view parameter, std::string_view value) {
  auto bytes = unescaped(value);
  if (!bytes) throw base::Fatal("parameter " + std::string(parameter) + ": " + bytes.error().text);
  return *std::move(bytes);
}

bool is_header_line(std::string_view text) {
  const std::size_t colon = text.find(':');
  return colon != 0 && colon != std::string_view::npos && text.find_first_of(" \t\r\n") > colon;
}

}  // namespace

Settings::Settings(const config::Config& config)
    : myhostname(config[param::myhostname]),
      mailer_daemon("MAILER-DAEMON@" + config[param::myorigin]),
      empty_address_recipient(config[param::empty_address_recipient]),
      always_bcc(config[param::always_bcc]),
      verp_delimiters(config[param::verp_delimiter_filter]),
      undisclosed_recipients_header(config[param::undisclosed_recipients_header]),
      full_name_charset(config[param::full_name_encoding_charset]),
      rejected_characters(parse_characters("message_reject_characters", config[param::message_reject_characters])),
      stripped_characters(parse_characters("message_strip_characters", config[param::message_strip_characters])),
      canonical_classes(parse_classes("canonical_classes", config[param::canonical_classes])),
      sender_canonical_classes(parse_classes("sender_canonical_classes", config[param::sender_canonical_classes])),
      recipient_canonical_classes(
          parse_classes("recipient_canonical_classes", config[param::recipient_canonical_classes])),
      masquerade_classes(parse_classes("masquerade_classes", config[param::masquerade_classes])),
      bad_header_end(parse_header_end(config[param::non_empty_end_of_header_action])),
      delay_warning_time(config[param::delay_warning_time]),
      attribute_limit(static_cast<std::size_t>(config[param::queue_file_attribute_count_limit])),
      duplicate_limit(static_cast<std::size_t>(std::max(0, config[param::duplicate_filter_limit]))),
      header_size_limit(static_cast<std::size_t>(config[param::header_size_limit])),
      header_token_limit(static_cast<std::size_t>(config[param::header_address_token_limit])),
      line_length_limit(static_cast<std::size_t>(config[param::line_length_limit])),
      mime_nesting_limit(static_cast<std::size_t>(config[param::mime_nesting_limit])),
      mime_boundary_limit(static_cast<std::size_t>(config[param::mime_boundary_length_limit])),
      message_size_limit(config[param::message_size_limit]),
      hopcount_limit(config[param::hopcount_limit]),
      long_queue_ids(config[param::enable_long_queue_ids]),
      original_recipients(config[param::enable_original_recipient]),
      add_missing_headers(config[param::always_add_missing_headers]),
      rewrite_remote_headers(!config[param::remote_header_rewrite_domain].empty()),
      obsolete_from(config::names_are_comments(config)),
      replace_stray_cr_lf(config[param::cleanup_replace_stray_cr_lf]),
      detect_8bit_encoding(config[param::detect_8bit_encoding_header]),
      parse_mime(!config[param::disable_mime_input_processing]),
      smtputf8(config[param::smtputf8_enable]),
      requiretls(config[param::requiretls_enable]),
      requiretls_header(requiretls && config[param::requiretls_esmtp_header]),
      external_addresses(config[param::info_log_address_format] == "external") {
  for (const std::string_view name : base::split(config[param::message_drop_headers]))
    dropped_headers.insert(base::lower(name));
  if (!undisclosed_recipients_header.empty() && !is_header_line(undisclosed_recipients_header))
    throw base::Fatal("parameter undisclosed_recipients_header: \"" + undisclosed_recipients_header +
                      "\" is not a \"Name: value\" header");
}

Tables::Tables(const config::Config& from)
    : config(from),
      router(from),
      canonical(from, router, "canonical_maps", "canonical"),
      sender_canonical(from, router, "sender_canonical_maps", "canonical"),
      recipient_canonical(from, router, "recipient_canonical_maps", "canonical"),
      virtual_alias(from, router, "virtual_alias_maps", "virtual"),
      sender_bcc(from, router, "sender_bcc_maps", ""),
      recipient_bcc(from, router, "recipient_bcc_maps", ""),
      masquerade(from) {}

std::string Tables::changed() const {
  if (canonical.has_changed()) return "canonical_maps";
  if (sender_canonical.has_changed()) return "sender_canonical_maps";
  if (recipient_canonical.has_changed()) return "recipient_canonical_maps";
  if (virtual_alias.has_changed()) return "virtual_alias_maps";
  if (sender_bcc.has_changed()) return "sender_bcc_maps";
  if (recipient_bcc.has_changed()) return "recipient_bcc_maps";
  if (router.has_changed()) return "address rewriting";
  return {};
}

}  // namespace cleanup
