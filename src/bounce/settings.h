#pragma once
// What main.cf says about notices, taken once.

#include <array>
#include <string>
#include <vector>

#include "config/bounce_templates.h"
#include "config/config.h"

namespace bounce {

// A template, ready for use.
struct Text {
  std::string charset, from, subject, postmaster_subject;
  std::vector<std::string> lines;  // expanded
};

struct Settings {
  std::string myhostname;
  std::string mail_name;
  std::string field_name;  // mail_name, fit for the middle of X-...-Queue-ID
  std::string double_bounce_address;
  std::string bounce_recipient, second_bounce_recipient, delay_recipient;  // of postmaster's copies
  bool copy_bounces = false, copy_second_bounces = false, copy_delays = false;
  bool threaded = false;
  bool eight_bit = true;           // smtputf8_enable: every notice may hold UTF-8
  bool redact_require_tls = true;  // requiretls_redact_dsn
  bool filter_notices = false;     // internal_mail_filter_classes has "bounce"
  bool detects_utf8 = false;       // smtputf8_autodetect_classes has "bounce"
  long size_limit = 50000;
  base::Seconds lifetime{0};
  std::array<Text, config::kBounceKinds.size()> texts;  // by BounceKind

  const Text& text(config::BounceKind kind) const { return texts[static_cast<std::size_t>(kind)]; }

  // A template that cannot be used is a warning, and the built-in one serves.
  static Settings from(const config::Config& config);
};

}  // namespace bounce
