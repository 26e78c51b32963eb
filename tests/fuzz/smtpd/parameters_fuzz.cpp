// Command lines, addresses and ESMTP parameters.
#include "smtpd/parameters.h"

#include <cstdint>
#include <cstdlib>

#include "logging/log.h"
#include "smtpd/command_line.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const logging::Capture quiet;
  smtpd::CommandLine line(std::string(reinterpret_cast<const char*>(data), size));
  const auto argument = smtpd::argument_of(line.words, "FROM");
  if (!argument) return 0;
  for (const bool strict : {false, true}) {
    const auto parsed = smtpd::parse_address(argument->address, strict);
    if (parsed && parsed->address.find_first_of(std::string_view("\0\r\n", 3)) != std::string::npos) std::abort();
  }
  const smtpd::Offered all{.requiretls = true, .verp = true};
  const auto mail = smtpd::parse_mail_parameters(argument->parameters, all);
  if (mail && (mail->envelope_id.contains('\0') || mail->envelope_id.contains('\n'))) std::abort();
  const auto recipient = smtpd::parse_recipient_parameters(argument->parameters, all);
  if (recipient && recipient->original_recipient.contains('\n')) std::abort();
  return 0;
}
