#pragma once
// The lists and tables that main.cf names for the SMTP server.

#include <string_view>

#include "config/config.h"
#include "restrictions/subject.h"
#include "table/list.h"
#include "table/match_list.h"
#include "table/pool.h"

namespace smtpd {

// Of clients: by name, address, network.
class ClientList {
 public:
  explicit ClientList(table::MatchList list) : list_(std::move(list)) {}

  // A list that cannot be asked has nobody; it is warned of.
  bool has(const restrictions::Client& client) const;
  bool has_changed() const { return list_.has_changed(); }

 private:
  table::MatchList list_;
};

// Opens them. A parameter that parent_domain_matches_subdomains names is one whose domains stand for their subdomains.
class Lists {
 public:
  // `pool`: for lists that share their tables with others; null: nobody.
  Lists(const config::Config& of, std::shared_ptr<table::Pool> pool = {});  // NOLINT: a Config is all that it takes

  const config::Config& config;
  const table::Settings& settings() const { return settings_; }

  ClientList clients(std::string_view name, config::TextKey key) const { return ClientList(patterns(name, key)); }
  table::MatchList patterns(std::string_view name, config::TextKey key) const;
  table::TableList tables(std::string_view name, config::TextKey key) const;

 private:
  table::Settings settings_;
};

}  // namespace smtpd
