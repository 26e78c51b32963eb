#pragma once
// What restrictions need to be asked, without a network.

#include <string>
#include <string_view>

#include "config/config.h"
#include "dns/resolver.h"
#include "restrictions/rules.h"
#include "routing/router.h"

namespace restrictions_world {

inline dns::Resolver::Options no_name_service() {
  dns::Resolver::Options options;
  options.resolv_conf = "/dev/null";
  options.hosts = "/dev/null";
  return options;
}

// The mail system mail.test.
struct System {
  explicit System(std::string_view more = "")
      : config(config::Config::from_text("myhostname = mail.test\nmyorigin = mail.test\nmydestination = mail.test\n"
                                         "inet_interfaces = loopback-only\ncompatibility_level = 3.6\n"
                                         "mynetworks = 192.0.2.0/24\nlocal_recipient_maps =\nalias_maps =\n" +
                                         std::string(more))
                   .value()) {}
  restrictions::Rules::Uses uses() {
    return {.config = config, .router = router, .resolver = resolver, .service_name = "smtp"};
  }

  config::Config config;
  routing::Router router{config};
  dns::Resolver resolver{no_name_service()};
};

// A stranger who has come as far as RCPT.
struct Visitor {
  Visitor() { client.address = "198.51.100.1"; }
  restrictions::Client client;
  tls::Facts tls;
  restrictions::Subject subject{.client = client,
                                .tls = tls,
                                .stage = restrictions::Stage::rcpt,
                                .protocol = "ESMTP",
                                .helo = "helo.test",
                                .sender = "a@b.test",
                                .recipient = "c@mail.test"};
};

}  // namespace restrictions_world
