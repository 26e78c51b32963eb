#include "smtpd/shared.h"

namespace smtpd {

Shared::Shared(Parts parts)
    : parts_(std::move(parts)), calm_(std::make_unique<Settings>(*parts_.config, parts_.tables)) {
  if (parts_.stress_config != nullptr) stress_ = std::make_unique<Settings>(*parts_.stress_config, parts_.tables);
}

Shared::~Shared() = default;

bool Shared::tables_changed() const {
  return calm_->tables_changed() || (stress_ && stress_->tables_changed());
}

}  // namespace smtpd
