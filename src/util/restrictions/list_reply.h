#pragma once
// Inside the library: what a client is told that a DNS list knows: default_rbl_reply, rbl_reply_maps.

#include <optional>
#include <string>
#include <string_view>

#include "restrictions/evaluation.h"
#include "restrictions/expansion_filter.h"

namespace restrictions {

class ListReply {
 public:
  // Throws Mistake for a default_rbl_reply that cannot be expanded.
  explicit ListReply(const Environment& environment);

  struct Listing {
    std::string_view list;    // as the restriction names it: "rbl.example=127.0.0.2"
    std::string_view domain;  // "rbl.example"
    std::string_view what;    // what was looked up: an address, a name
    std::string_view kind;    // "Client host", ...
  };
  // `reason` is asked for when the text wants it: what the list says.
  Outcome say(Evaluation& evaluation, const Listing& listing, const std::function<std::string()>& reason) const;

  bool has_changed() const;

 private:
  struct Expansion;
  Outcome send(Evaluation& evaluation, const Listing& listing, std::string_view text) const;

  std::string template_;
  std::shared_ptr<const AccessTable> maps_;  // null: there are none
  int code_;
  ExpansionFilter filter_;
  std::string server_name_;
};

}  // namespace restrictions
