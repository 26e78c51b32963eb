#include "postdrop/sender_policy.h"

#include "base/accounts.h"
#include "base/error.h"
#include "base/text.h"
#include "config/param.h"
#include "table/fold.h"
#include "table/match_list.h"
#include "table/search.h"

namespace postdrop {

namespace {

namespace param = config::param;

std::string folded(std::string_view address) {
  return table::fold_key(address, true);
}

}  // namespace

Login login_of(uid_t uid) {
  const auto name = base::account_name(uid);
  if (!name) throw base::Fatal(name.error().text);
  if (*name) return {**name, **name, uid};
  return {"unknown", fmt::format("uid:{}", uid), uid};
}

bool may_submit(const config::Config& config, const Login& login) {
  const table::MatchList allowed("authorized_submit_users", config[param::authorized_submit_users],
                                 table::Settings::from(config), {});
  const auto found = allowed.has_string(login.name);
  if (!found) throw base::Fatal(found.error().text);
  return *found;
}

SenderPolicy::SenderPolicy(const config::Config& config)
    : delimiters_(config[param::recipient_delimiter]),
      owner_request_special_(config[param::owner_request_special]),
      double_bounce_(config[param::double_bounce_sender]),
      null_sender_(config[param::empty_address_local_login_sender_maps_lookup_key]),
      maps_("local_login_sender_maps", config[param::local_login_sender_maps], table::Settings::from(config), {}) {}

std::expected<bool, table::Error> SenderPolicy::allows(const Login& login, std::string_view sender) const {
  const auto found = maps_.lookup(login.key);
  if (!found) return std::unexpected(found.error());
  if (!*found) return false;
  const auto at = sender.rfind('@');
  std::string_view local = sender.substr(0, at);
  const std::string domain = at == std::string_view::npos ? "" : folded(sender.substr(at));
  if (const auto parts = table::split_extension(local, {delimiters_, owner_request_special_, double_bounce_})) {
    local = parts->base;
  }
  const std::string plain = folded(local) + domain;
  for (const std::string_view pattern : base::split(**found)) {
    if (pattern == "*") return true;
    if (sender.empty()) {
      if (pattern == null_sender_) return true;
    } else if (folded(pattern) == (pattern.starts_with('@') ? domain : plain)) {
      return true;
    }
  }
  return false;
}

}  // namespace postdrop
