#pragma once
// Where mail goes: rewriting addresses to their full form, and finding class, transport and next hop of a recipient.
// A function of main.cf and the tables; no process, no round trip.

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "config/config.h"
#include "routing/address_class.h"
#include "routing/observer.h"
#include "table/table.h"

namespace routing {

// local: complete with myorigin; remote: leave alone, or remote_header_rewrite_domain.
enum class Context { local, remote };
Context context_named(std::string_view rewrite_context);  // the attribute of queue files

struct Route {
  std::string transport;  // "smtp"
  std::string nexthop;    // "[relay]:25", "example.com", for error and retry the text
  std::string recipient;  // internal form, final
  AddressClass address_class = AddressClass::other;
  bool bad_address = false;  // syntax: transport and nexthop mean nothing
  bool routed = false;       // more than one of @%! remained
};

class Router {
 public:
  // Which transports: those of delivery, or address_verify_*.
  enum class Purpose { delivery, verification };
  // Opens the tables. `config` outlives the router. Throws config::BadValue. Where the line in master.cf of the service
  // that `rewrite_service_name` names has -o options, they count, and those of the program that asks do not: in Postfix
  // rewriting and resolving are that service's work.
  explicit Router(const config::Config& config, Purpose purpose = Purpose::delivery);
  // The same settings, and the tables opened anew; also where the configuration cannot be read any more.
  Router reopened() const;
  ~Router();
  Router(Router&&) noexcept;

  // External form in and out. The empty address stays empty.
  std::string rewrite(Context context, std::string_view external_address, Observer* observer = nullptr) const;
  // The same for an envelope address in internal form.
  std::string rewrite_internal(Context context, std::string_view address, Observer* observer = nullptr) const;

  // Internal forms. A table that cannot answer is an Error: the mail waits.
  std::expected<Route, table::Error> resolve(std::string_view sender, std::string_view recipient,
                                             Observer* observer = nullptr) const;

  // Whether mail for the domain ends here (mydestination, inet_interfaces, proxy_interfaces). Domain literals too.
  std::expected<bool, table::Error> is_local_domain(std::string_view domain) const;
  std::expected<AddressClass, table::Error> class_of_domain(std::string_view domain) const;

  bool has_changed() const;  // of its tables: make a new one

 private:
  struct State;
  Router(std::shared_ptr<const config::Config> own, const config::Config& config, Purpose purpose);
  std::shared_ptr<const config::Config> own_;  // null: the one that was given
  std::unique_ptr<State> state_;
};

}  // namespace routing
