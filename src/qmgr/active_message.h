#pragma once
// A message in the active queue.

#include <ctime>
#include <list>
#include <string>

#include "delivery/request.h"
#include "qmgr/scheduler/model.h"
#include "queue/message.h"

namespace qmgr {

// What is kept of its envelope.
struct Kept {
  delivery::Request request;  // without next hop and recipients
  std::string filter;
  std::string redirect;
  std::string verp_delimiters;
  std::int64_t create_time = 0;
  bool warn = false;              // a delay warning is due at
  std::int64_t warning_time = 0;  // ...
  std::int64_t warning_offset = 0;
  std::int64_t trace_flags_offset = 0;
  static void fields(auto& self, auto&& visit) {
    visit(self.request, self.filter, self.redirect, self.verp_delimiters, self.create_time, self.warn,
          self.warning_time, self.warning_offset, self.trace_flags_offset);
  }
};

// There may be many: the envelope is packed until it is needed.
struct ActiveMessage : scheduler::Message {
  std::string packed;               // a Kept
  std::int64_t next_recipient = 0;  // where reading goes on in the file
  std::list<ActiveMessage>::iterator self;
  bool deferred = false;         // a recipient must be tried again
  bool corrupt = false;          // the file cannot be understood
  bool force_expired = false;    // somebody wants it to be returned
  bool flush = false;            // defer_transports do not hold it up
  bool unthrottle = false;       // nor do destinations that are believed dead
  bool success_reports = false;  // some recipient's sender wants to hear of success
  bool redirected = false;       // the one recipient that it goes to instead was assigned
  bool probe = false;            // of an address, by verify(8)
  bool has_delay_log = false;    // defer/<id> may be there
  bool held = false;             // somebody else than deliveries works on it
  bool ending = false;

  Kept unpack() const;
  void pack(const Kept& kept);
};

Kept keep(const queue::Envelope& envelope, const queue::Id& id, bool confirm_delay_cleared);

}  // namespace qmgr
