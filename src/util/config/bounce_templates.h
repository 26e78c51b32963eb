#pragma once
// The texts of delivery status notifications: built in, or read from bounce_template_file.
//
//   failure_template = <<EOF
//   Charset: us-ascii
//   From: Mail Delivery System <MAILER-DAEMON>
//   Subject: Undelivered Mail Returned to Sender
//   Postmaster-Subject: Postmaster Copy: Undelivered Mail
//
//   Text, in which $name stands for a parameter's value and $$ for a dollar.
//   EOF

#include <array>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/time_units.h"
#include "config/origin.h"

namespace config {

enum class BounceKind { failure, delay, success, verify };
constexpr std::array kBounceKinds = {BounceKind::failure, BounceKind::delay, BounceKind::success, BounceKind::verify};
std::string_view name_of(BounceKind kind);  // "failure", ...

struct BounceTemplate {
  BounceKind kind;
  std::string charset;
  std::string from;
  std::string subject;
  std::string postmaster_subject;  // empty for kinds of which postmaster gets no copy
  std::vector<std::string> text;   // lines, before expansion
  std::string origin;              // "[built-in]" or the file, for messages
};

struct BounceTemplates {
  std::array<BounceTemplate, kBounceKinds.size()> templates;  // by BounceKind
  std::vector<Remark> remarks;                                // templates of the file that are not used, and why

  const BounceTemplate& operator[](BounceKind kind) const { return templates[static_cast<std::size_t>(kind)]; }
};

BounceTemplates builtin_bounce_templates();

// The built-in ones, replaced by those that the file has. Errors name file and line: cannot be read, no '=' after a
// name, no end marker, ... A template with a mistake in it is a remark, and the built-in one stays.
std::expected<BounceTemplates, base::Error> read_bounce_templates(const std::string& path);
std::expected<BounceTemplates, base::Error> parse_bounce_templates(std::string_view content,
                                                                   const std::string& name_for_messages);

// What the text of a template may refer to.
struct BounceValues {
  base::Seconds delay_warning_time;
  base::Seconds maximal_queue_lifetime;
  std::function<std::optional<std::string>(std::string_view name)> parameter;  // expanded, in the form for people
};

// The lines with every $name replaced; $delay_warning_time_hours and its like are whole numbers of that unit. A result
// of zero or over 999 is a remark. Errors: a malformed reference, an undefined name, a time unit that is none.
std::expected<std::vector<std::string>, base::Error> expand_bounce_text(const BounceTemplate& chosen,
                                                                        const BounceValues& values,
                                                                        std::vector<Remark>& remarks);

// For people: xn--... labels as the letters that they stand for. The domain as it is when it has none, or bad ones.
std::string readable_domain(const std::string& domain);

}  // namespace config
