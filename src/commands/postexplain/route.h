#pragma once
// Where mail for an address goes: what cleanup makes of the envelope, and what the queue manager then finds for each
// recipient.

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "postexplain/setup.h"
#include "postexplain/trace.h"
#include "routing/address_map.h"
#include "routing/router.h"

namespace postexplain {

enum class Fate { delivered, refused, waits };

struct Destination {
  std::string recipient;
  std::string copy_by;  // the parameter that sends a copy; empty: one of the recipients
  std::vector<Step> steps;
  Fate fate = Fate::delivered;
  std::string problem;   // what a table or master.cf lacks, why the address cannot be used; text of the error transport
  routing::Route route;  // unless there is a problem of a table
  std::string service_at;  // the line of master.cf
};

struct RouteReport {
  std::string address;  // as given, internal form
  std::string sender;
  std::string rewritten_sender;
  std::vector<Step> sender_steps;
  std::vector<Step> steps;  // of cleanup
  std::string problem;      // with the expansion; the message waits
  std::string filter;       // content_filter, or a FILTER action: where the mail goes before it goes anywhere
  bool filter_is_action = false;
  std::vector<Destination> destinations;

  Fate fate() const;  // the worst: refused before waits before delivered
};

// Worst first.
Fate worse(Fate a, Fate b);
std::string_view name_of(Fate fate);  // "delivered", "refused", "waits"

class Routes {
 public:
  // `setup` outlives it. Throws config::BadValue.
  explicit Routes(const Setup& setup);
  const routing::Router& router() const { return router_; }
  RouteReport explain(std::string_view sender, std::string_view address) const;

 private:
  bool mapped(RouteReport& report, std::vector<Step>& steps, bool is_sender, std::string& address) const;
  bool apply(const routing::AddressMap& map, Trace& trace, std::string& address, std::string& problem) const;
  void expand(RouteReport& report, const std::string& address, std::string_view copy_by) const;
  void copy_by(RouteReport& report, const routing::AddressMap& map, const std::string& key) const;
  void copy_to(RouteReport& report, const std::string& address, std::string_view parameter) const;
  void resolve(const RouteReport& report, Destination& destination) const;
  bool covers(std::string_view classes_parameter, std::string_view word) const;

  const Setup& setup_;
  routing::Router router_;
  routing::AddressMap canonical_, sender_canonical_, recipient_canonical_, virtual_alias_, sender_bcc_, recipient_bcc_;
  routing::Masquerade masquerade_;
  bool maps_;
};

}  // namespace postexplain
