#pragma once
// One address to its full form: source routes, bang paths, the percent hack, missing domains. Settings in, text out.

#include <string>
#include <string_view>
#include <vector>

#include "mail/header_tokens.h"
#include "routing/router.h"

namespace routing {

class Rewriter {
 public:
  explicit Rewriter(const config::Config& config);

  // From external to internal form. Nothing comes of nothing.
  std::string internal_form(Context context, std::string_view external_address, Observer* observer) const;
  void rewrite(Context context, std::vector<mail::Token>& tokens, Observer* observer) const;

  // For a local part: does it name a place of its own, as user@elsewhere, user%elsewhere, elsewhere!user do?
  bool is_route(const std::vector<mail::Token>& local_part) const;
  bool hides_route(const std::vector<mail::Token>& local_part) const;  // in quotes
  // The tokens of a local part that stood in quotes, when quotes are not to hide a route.
  std::vector<mail::Token> without_quotes(std::string text) const;

 private:
  bool swap_bangpath_;
  bool allow_percent_hack_;
  bool append_at_myorigin_;
  bool append_dot_mydomain_;
  bool old_append_dot_mydomain_;  // the log is told (config/old_defaults.h), unless somebody listens
  std::string myorigin_;
  std::string mydomain_;
  std::string remote_domain_;
};

}  // namespace routing
