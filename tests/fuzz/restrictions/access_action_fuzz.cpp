// What a table says is done or refused in one line of text; and no table makes the server say "yes" by nonsense.
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "base/text.h"
#include "logging/log.h"
#include "restrictions/evaluation.h"

namespace {

dns::Resolver::Options no_name_service() {
  dns::Resolver::Options options;
  options.resolv_conf = options.hosts = "/dev/null";
  return options;
}

struct System {
  config::Config config = std::move(*config::Config::from_text(
      "myhostname = mail.test\nmyorigin = mail.test\nmydestination = mail.test\ninet_interfaces = loopback-only\n"
      "compatibility_level = 3.6\nmynetworks = 192.0.2.0/24\nlocal_recipient_maps =\nalias_maps =\n"));
  routing::Router router{config};
  dns::Resolver resolver{no_name_service()};
  restrictions::Environment environment{{config, router, resolver, "smtp"}};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const logging::Capture quiet;
  static const System system;
  const std::string_view action(reinterpret_cast<const char*>(data), size);
  // To sleep is allowed, but not here.
  if (base::lower(action).contains("sleep")) return 0;
  restrictions::Client client;
  client.address = "198.51.100.1";
  const tls::Facts tls;
  restrictions::Subject subject{client, tls, restrictions::Stage::rcpt, "ESMTP"};
  subject.helo = "helo.test";
  subject.sender = "a@b.test";
  subject.recipient = "c@mail.test";
  restrictions::Evaluation evaluation(system.environment, subject, nullptr);
  const auto outcome = restrictions::act(evaluation, "hash:/t", "a@b.test", action, evaluation.sender());
  if (outcome.verdict == restrictions::Outcome::Verdict::reject && !outcome.hang_up) {
    const std::string line = outcome.reply.line();
    if (line.size() > 510 || (line[0] != '4' && line[0] != '5') || line.find('\n') != std::string::npos ||
        line.find('\r') != std::string::npos || line.find('\0') != std::string::npos) {
      std::abort();
    }
  }
  return 0;
}
