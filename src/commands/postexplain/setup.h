#pragma once
// The configuration that is explained, and where each line of it stands.

#include <expected>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"
#include "config/config.h"
#include "config/master_cf.h"

namespace postexplain {

class Setup {
 public:
  // As commands read main.cf. Throws base::Fatal.
  explicit Setup(const std::string& config_directory);
  // As the master.cf service of that name and of the program smtpd does, with what its -o options say. "smtp" need not
  // be in master.cf. Throws base::Fatal.
  Setup(const std::string& config_directory, const std::string& smtpd_service);

  const config::Config& config() const { return *config_; }

  // "/etc/postfix/main.cf, line 12"; "/etc/postfix/master.cf, line 12: -o"; "default" for a parameter that is not set;
  // empty for what is no parameter.
  std::string origin(std::string_view parameter) const;

  // The line of master.cf that serves a transport: null when there is none.
  const config::ServiceLine* transport(std::string_view name) const;
  bool has_master_cf() const { return has_master_cf_; }

 private:
  void read_master_cf(const std::string& directory);

  std::optional<config::Config> config_;
  config::MasterCf master_cf_;
  bool has_master_cf_ = false;
  std::string service_line_;  // where the -o options stand
};

}  // namespace postexplain
