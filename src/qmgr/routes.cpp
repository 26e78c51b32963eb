#include "qmgr/routes.h"

namespace qmgr {

namespace {

constexpr auto kCheckInterval = std::chrono::seconds(1);

}  // namespace

RouterRoutes::RouterRoutes(const config::Config& config)
    : delivery_(std::make_shared<const routing::Router>(config)),
      verification_(std::make_shared<const routing::Router>(config, routing::Router::Purpose::verification)) {}

std::expected<routing::Route, table::Error> RouterRoutes::find(routing::Router::Purpose purpose,
                                                               std::string_view sender, std::string_view recipient) {
  const auto router = purpose == routing::Router::Purpose::delivery ? delivery_ : verification_;
  return router->resolve(sender, recipient);
}

std::expected<void, base::Error> RouterRoutes::refresh() {
  const auto now = std::chrono::steady_clock::now();
  if (now - checked_ < kCheckInterval) return {};
  checked_ = now;
  if (!delivery_->has_changed() && !verification_->has_changed()) return {};
  try {
    auto delivery = std::make_shared<const routing::Router>(delivery_->reopened());
    verification_ = std::make_shared<const routing::Router>(verification_->reopened());
    delivery_ = std::move(delivery);
  } catch (const base::Fatal& problem) {
    return std::unexpected(base::Error{problem.what()});
  }
  return {};
}

}  // namespace qmgr
