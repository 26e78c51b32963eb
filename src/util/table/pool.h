#pragma once
// Tables that several lists name are opened once, and what is wrong with one is told once.

#include <expected>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "table/open.h"
#include "table/table.h"

namespace table {

// Lists whose Settings have the same pool share their tables. Used by one thread.
class Pool {
 public:
  using Opened = std::expected<std::shared_ptr<Table>, Error>;
  // As table::open() with these settings and default options. A table that could not be opened is not tried again.
  Opened open(std::string_view name, const Settings& settings);
  // Whether an error is told for the first time.
  bool is_news(const Error& error);

 private:
  struct Known {
    std::string name;
    Settings settings;
    Opened table;
  };
  std::vector<Known> known_;
  std::vector<std::string> told_;
};

// From the pool of the settings, where there is one and the options are the default ones.
Pool::Opened open_shared(std::string_view name, const Settings& settings, const Options& options = {});

}  // namespace table
