#include "smtpd/shared.h"

namespace smtpd {

Shared::Shared(Parts parts) : parts_(std::move(parts)), calm_(std::make_unique<Settings>(*parts_.config)) {
  if (parts_.stress_config != nullptr) stress_ = std::make_unique<Settings>(*parts_.stress_config);
}

Shared::~Shared() = default;

bool Shared::tables_changed() const {
  return calm_->tables_changed() || (stress_ && stress_->tables_changed());
}

}  // namespace smtpd
