#pragma once
// A would-be session, taken through the restrictions that serve real ones.

#include <string>
#include <vector>

#include "dns/resolver.h"
#include "postexplain/request.h"
#include "postexplain/route.h"
#include "postexplain/setup.h"
#include "postexplain/trace.h"
#include "restrictions/rules.h"

namespace postexplain {

// One command of the client, and what came of it.
struct Moment {
  std::string command;  // "RCPT TO:<ann@example.com>"; "(connect)" and "(end of message)" are none
  std::string reply;    // as the client would see it, a line a line
  enum class Kind { accepted, refused, deferred };
  Kind kind = Kind::accepted;
  bool disconnect = false;
  std::vector<Step> steps;
  std::vector<restrictions::Note> notes;  // what would be logged
  restrictions::Effects effects;
};

struct SessionReport {
  restrictions::Client client;
  bool name_was_given = false;
  std::string service;
  std::vector<Moment> moments;
  std::vector<RouteReport> routes;  // of the recipients that were accepted, or of what stands in their place
  restrictions::Effects effects;    // of all moments, for the whole message

  // Refused when any command is; waits when any is deferred.
  Fate fate() const;
};

// Throws base::Fatal: restrictions that cannot be used, and the like.
SessionReport explain_session(const Setup& setup, const Routes& routes, const Request& request);

}  // namespace postexplain
