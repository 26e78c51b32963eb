#pragma once
// The routers, replaced by new ones when a table has changed.

#include <chrono>
#include <memory>
#include <string>

#include "config/config.h"
#include "qmgr/placement.h"
#include "routing/router.h"

namespace qmgr {

class Routes {
 public:
  virtual ~Routes() = default;
  virtual std::expected<routing::Route, table::Error> find(routing::Router::Purpose purpose, std::string_view sender,
                                                           std::string_view recipient) = 0;
  // Called now and then. The error: the tables cannot be opened again from here (a chroot, given up privileges); only a
  // new process can.
  virtual std::expected<void, base::Error> refresh() { return {}; }
};

class RouterRoutes final : public Routes {
 public:
  // Opens the tables. `config` outlives it. Throws config::BadValue.
  explicit RouterRoutes(const config::Config& config);
  std::expected<routing::Route, table::Error> find(routing::Router::Purpose purpose, std::string_view sender,
                                                   std::string_view recipient) override;
  std::expected<void, base::Error> refresh() override;

 private:
  // In use while another fiber replaces them: a look-up may wait.
  std::shared_ptr<const routing::Router> delivery_;
  std::shared_ptr<const routing::Router> verification_;
  std::chrono::steady_clock::time_point checked_{};
};

}  // namespace qmgr
