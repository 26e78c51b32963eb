#pragma once
// Who may tell us of another client: by XCLIENT and XFORWARD, or as a proxy in front of us.

#include <chrono>

#include "restrictions/subject.h"
#include "smtpd/ip_text.h"
#include "smtpd/lists.h"

namespace smtpd {

struct Session;

class Trust {
 public:
  explicit Trust(const Lists& lists);  // throws config::BadValue and base::Fatal

  // smtpd_authorized_xclient_hosts, smtpd_authorized_xforward_hosts. A list that cannot be asked allows nobody; it is
  // warned of.
  bool may_xclient(const restrictions::Client& client) const;
  bool may_xforward(const restrictions::Client& client) const;

  Families families;                  // of the addresses that they may name
  bool proxied = false;               // smtpd_upstream_proxy_protocol
  std::chrono::seconds proxy_time{};  // smtpd_upstream_proxy_timeout

  bool has_changed() const { return xclient_hosts_.has_changed() || xforward_hosts_.has_changed(); }

 private:
  ClientList xclient_hosts_, xforward_hosts_;
};

// Who is served may use XCLIENT or may not; one that fails half-way does not change that.
bool may_xclient(Session& session);

// Who connected may use XFORWARD or may not, whoever XCLIENT says that it is.
bool may_xforward(Session& session);

// Reads the proxy's header, where main.cf says that there is one, before anything is said to the client or looked up
// for it. False, after a warning: there was none that could be used, and 421 4.3.0 is the answer.
bool take_proxy_header(Session& session);

}  // namespace smtpd
