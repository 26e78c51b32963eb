#pragma once
// smtpd_expansion_filter: what clients and lists say goes into replies only as far as main.cf allows.

#include <string>
#include <string_view>

namespace restrictions {

class ExpansionFilter {
 public:
  // `allowed`: the parameter, with \t, \40 and their like.
  explicit ExpansionFilter(std::string_view allowed);

  // The value with `_` for every byte that is not allowed, as config::expand() takes values: nothing in it is expanded
  // again.
  std::string filtered(std::string_view value) const;

 private:
  std::string allowed_;
};

}  // namespace restrictions
