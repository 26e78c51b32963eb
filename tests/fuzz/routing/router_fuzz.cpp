// Rewriting and resolving: any address has an answer, and a route is complete or bad.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "logging/log.h"
#include "routing/address_map.h"
#include "routing/router.h"

namespace {

constexpr std::string_view kMainCf = R"(
myhostname = mx.fmt.test
mydomain = fmt.test
myorigin = fmt.test
mydestination = fmt.test, mx.fmt.test
inet_interfaces = loopback-only
recipient_delimiter = +
append_dot_mydomain = yes
relayhost = [rh]:25
virtual_alias_domains = va.test
virtual_mailbox_domains = vm.test
relay_domains = relay.test
transport_maps = inline:{ {user@t.test=t2:b}, {t.test=t3:c}, {.sub.test=t4:}, {e.test=:nh5}, {err.test=error:} }
relocated_maps = inline:{ {moved@fmt.test=newplace@example.com}, {bare=x} }
sender_dependent_relayhost_maps = inline:{ {s@x.test=[rh2]:99}, {<>=null} }
virtual_alias_maps = inline:{ {a@va.test=b@va.test c@d}, {b@va.test=a@va.test}, {@map.test=@va.test}, {bare=x y} }
masquerade_domains = m.test
)";

struct System {
  config::Config config = std::move(*config::Config::from_text(kMainCf));
  routing::Router router{config};
  routing::AddressMap aliases{config, router, "virtual_alias_maps", "virtual"};
  routing::Masquerade masquerade{config};
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const System system;
  const logging::Capture quiet;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  for (const auto context : {routing::Context::local, routing::Context::remote}) {
    (void)system.router.rewrite(context, text);
    (void)system.router.rewrite_internal(context, text);
  }
  const auto route = system.router.resolve(text.substr(0, size / 2), text);
  if (!route || route->recipient.empty()) std::abort();
  if (!route->bad_address && (route->transport.empty() || route->nexthop.empty())) std::abort();
  // What was resolved is resolved to itself.
  if (!route->bad_address && route->address_class != routing::AddressClass::local) {
    const auto again = system.router.resolve("", route->recipient);
    if (!again || again->address_class != route->address_class) std::abort();
  }
  const auto expansion = routing::expand_virtual(system.aliases, system.config, text);
  if (!expansion || expansion->addresses.empty() == expansion->problem.empty()) std::abort();
  if (!system.masquerade.apply(text)) std::abort();
  return 0;
}
