#include "bounce/settings.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <array>

#include "base/error.h"
#include "base/text.h"
#include "client/cleanup_client.h"
#include "config/from_header.h"
#include "config/param.h"
#include "logging/log.h"

namespace bounce {

namespace {

namespace param = config::param;

bool lists(std::string_view words, std::string_view wanted) {
  for (const std::string_view word : base::split(words)) {
    if (base::equals_folded(word, wanted)) return true;
  }
  return false;
}

// A mistake in the settings holds no notice up; but it is told.
void check_classes(std::string_view words) {
  static constexpr std::array<std::string_view, 8> kKnown = {"bounce", "2bounce",  "data",     "delay",
                                                             "policy", "protocol", "resource", "software"};
  for (const std::string_view word : base::split(words)) {
    if (std::ranges::any_of(kKnown, [word](std::string_view name) { return base::equals_folded(word, name); }))
      continue;
    logging::warning("bounce.classes", "parameter notify_classes: unknown word \"{word}\" -- ignored; use {known}",
                     {{"word", word}, {"known", fmt::format("{}", fmt::join(kKnown, ", "))}});
  }
}

bool looks_for_utf8(const std::string& classes) {
  try {
    return client::detects_utf8(classes, "bounce");
  } catch (const base::Fatal& problem) {
    logging::warning("bounce.classes", "{problem}", {{"problem", problem.what()}});
    return lists(classes, "bounce") || lists(classes, "all");
  }
}

void tell(const std::vector<config::Remark>& remarks) {
  for (const auto& remark : remarks) {
    const std::string place = remark.where.line > 0 ? remark.where.text() : remark.where.file;
    logging::warning(remark.event, "{place}: {remark}", {{"place", place}, {"remark", remark.text}});
  }
}

config::BounceTemplates templates_of(const config::Config& config) {
  const std::string& path = config[param::bounce_template_file];
  if (path.empty()) return config::builtin_bounce_templates();
  auto templates = config::read_bounce_templates(path);
  if (!templates) {
    logging::warning("bounce.template", "{problem} -- using the built-in templates",
                     {{"problem", templates.error().text}});
    return config::builtin_bounce_templates();
  }
  tell(templates->remarks);
  return std::move(*templates);
}

Text text_of(const config::BounceTemplate& chosen, const config::BounceValues& values) {
  std::vector<config::Remark> remarks;
  auto lines = config::expand_bounce_text(chosen, values, remarks);
  tell(remarks);
  if (!lines) {
    logging::warning("bounce.template", "{origin}: {problem} -- using the built-in template",
                     {{"origin", chosen.origin}, {"problem", lines.error().text}});
    static const config::BounceTemplates builtin = config::builtin_bounce_templates();
    const config::BounceTemplate& fallback = builtin[chosen.kind];
    std::vector<config::Remark> ignored;
    lines = config::expand_bounce_text(fallback, values, ignored);
    if (!lines) throw base::Fatal(fmt::format("{}: {}", fallback.origin, lines.error().text));
    return {fallback.charset, fallback.from, fallback.subject, fallback.postmaster_subject, std::move(*lines)};
  }
  return {chosen.charset, chosen.from, chosen.subject, chosen.postmaster_subject, std::move(*lines)};
}

std::optional<std::string> value_for_people(const config::Config& config, std::string_view name) {
  auto value = config.value(name);
  const bool is_domain = name == "mydomain" || name == "myhostname";
  if (value && is_domain && config[param::smtputf8_enable]) return config::readable_domain(*value);
  return value;
}

std::string fit_for_field_name(std::string_view name) {
  std::string fit(name);
  for (char& c : fit) {
    if (!base::is_alnum(c) && static_cast<unsigned char>(c) < 0x80) c = '-';
  }
  return fit;
}

}  // namespace

Settings Settings::from(const config::Config& config) {
  Settings settings;
  settings.myhostname = config[param::myhostname];
  settings.mail_name = config[param::mail_name];
  settings.field_name = fit_for_field_name(settings.mail_name);
  settings.double_bounce_address = config[param::double_bounce_sender] + "@" + settings.myhostname;
  settings.bounce_recipient = config[param::bounce_notice_recipient];
  settings.second_bounce_recipient = config[param::n2bounce_notice_recipient];
  settings.delay_recipient = config[param::delay_notice_recipient];
  const std::string& classes = config[param::notify_classes];
  check_classes(classes);
  settings.copy_bounces = lists(classes, "bounce");
  settings.copy_second_bounces = settings.copy_bounces || lists(classes, "2bounce");
  settings.copy_delays = lists(classes, "delay");
  settings.threaded = config[param::enable_threaded_bounces];
  settings.eight_bit = config[param::smtputf8_enable];
  settings.redact_require_tls = config[param::requiretls_redact_dsn];
  settings.filter_notices = lists(config[param::internal_mail_filter_classes], "bounce");
  settings.detects_utf8 = looks_for_utf8(config[param::smtputf8_autodetect_classes]);
  settings.size_limit = config[param::bounce_size_limit];
  settings.lifetime = config[param::maximal_queue_lifetime];

  const config::BounceValues values{config[param::delay_warning_time], settings.lifetime,
                                    [&config](std::string_view name) { return value_for_people(config, name); }};
  const config::BounceTemplates templates = templates_of(config);
  for (const auto kind : config::kBounceKinds) {
    Text& text = settings.texts[static_cast<std::size_t>(kind)];
    text = text_of(templates[kind], values);
    // What a template says of itself stays.
    if (text.from == config::sender_of_notices("MAILER-DAEMON", false)) {
      text.from = config::sender_of_notices("MAILER-DAEMON", config::names_are_comments(config));
    }
  }
  return settings;
}

}  // namespace bounce
