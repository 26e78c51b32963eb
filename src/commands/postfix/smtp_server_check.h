#pragma once
// What the SMTP server would stumble over, at its start or at a client: restrictions, TLS, SASL, words that mean
// nothing. And names in main.cf that nobody has defined, where a $ stands for nothing.

#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "postfix/installation.h"

namespace postfix {

// For each service of master.cf that runs smtpd, with its -o options; for main.cf alone when there is none.
void check_smtp_server(const Installation& installation, Tally& tally);

// Of those what a server would not start with, or refuse all clients for: a server that runs must not become its
// victim.
void check_start_of_smtp_server(const Installation& installation, Tally& tally);

// Of one configuration. The texts name file and line.
struct Mistakes {
  std::vector<std::string> errors, warnings;
};
Mistakes mistakes_of_smtp_server(const config::Config& config);

// Names that a value asks for and nobody has defined: no parameter, nor set in main.cf, nor in `defined_elsewhere`.
// ${name?...} and its like are questions whether there is such a name, and no mistake.
std::vector<std::string> undefined_names(std::string_view value, const config::Config& config,
                                         const std::vector<std::string>& defined_elsewhere = {});
void check_references(const Installation& installation, Tally& tally);

}  // namespace postfix
