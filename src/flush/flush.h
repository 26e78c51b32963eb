#pragma once
// flush(8): remembers which deferred messages wait for which destination, so that ETRN and `postqueue -s` need not look
// at all of them.

#include <memory>
#include <string>

#include "base/time_units.h"
#include "client/flush_client.h"
#include "config/config.h"
#include "queue/spool.h"
#include "service/service.h"
#include "table/match_list.h"

namespace flush {

std::unique_ptr<service::Server> open(const service::Context& context);

// The work itself; paths are relative to the queue directory.
class Logs {
 public:
  Logs(const config::Config& config, const queue::Spool& spool);

  client::FlushStatus serve(const client::FlushRequest& request);

  // Delivers what waits in logs that nobody asked for in this time, and forgets logs that have long been empty.
  client::FlushStatus refresh(base::Seconds older_than);

  std::string changed_table() const { return domains_.has_changed() ? "fast_flush_domains" : ""; }

 private:
  client::FlushStatus listed(const std::string& site) const;  // ok: the site has a log
  client::FlushStatus add(const std::string& site, const std::string& queue_id);
  client::FlushStatus send_site(const std::string& site);
  client::FlushStatus send_file(const std::string& queue_id);
  client::FlushStatus send_log(const std::string& log_name);
  bool send_message(const queue::Id& id, bool unthrottle);
  void tell_queue_manager(std::string_view letters);

  const queue::Spool& spool_;
  table::MatchList domains_;
  std::string queue_manager_;
  base::Seconds refresh_time_;
  base::Seconds purge_time_;
};

}  // namespace flush
