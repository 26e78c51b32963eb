#include "postexplain/postexplain.h"

#include <sysexits.h>

#include <cstdio>

#include "logging/log.h"
#include "mail/address.h"
#include "postexplain/request.h"
#include "postexplain/route.h"
#include "postexplain/session.h"
#include "postexplain/show.h"

namespace postexplain {

namespace {

void print(std::string_view text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
}

int status_of(Fate fate) {
  switch (fate) {
    case Fate::delivered:
      return 0;
    case Fate::refused:
      return 1;
    case Fate::waits:
      return EX_TEMPFAIL;
  }
  return EX_SOFTWARE;
}

int explain_routes(const Request& request) {
  const Setup setup(request.config_directory);
  const Routes routes(setup);
  Fate fate = Fate::delivered;
  bool is_first = true;
  for (const std::string& address : request.addresses) {
    const RouteReport report = routes.explain(request.sender, mail::unquote(address));
    if (!is_first && !request.json) print("\n");
    is_first = false;
    print(request.json ? route_json(setup, report) : route_text(setup, report));
    fate = worse(fate, report.fate());
  }
  return status_of(fate);
}

int explain_a_session(const Request& request) {
  const Setup setup(request.config_directory, request.service);
  const Routes routes(setup);
  const SessionReport report = explain_session(setup, routes, request);
  print(request.json ? session_json(setup, report) : session_text(setup, report));
  return status_of(report.fate());
}

}  // namespace

int run(std::span<char*> arguments) {
  const auto request = understand(arguments);
  if (!request) {
    std::fputs(fmt::format("postexplain: {}\n{}\n", request.error().text, kUsage).c_str(), stderr);
    return EX_USAGE;
  }
  logging::set_verbosity(request->verbosity);
  switch (request->what) {
    case Request::What::route:
      return explain_routes(*request);
    case Request::What::session:
      return explain_a_session(*request);
  }
  return EX_SOFTWARE;
}

}  // namespace postexplain
