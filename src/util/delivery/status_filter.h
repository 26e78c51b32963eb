#pragma once
// <agent>_delivery_status_filter: tables that give another status code or text to a delivery before it counts.

#include <string>
#include <string_view>

#include "delivery/request.h"
#include "table/list.h"

namespace delivery {

class StatusFilter {
 public:
  StatusFilter(std::string_view parameter, std::string_view value, const table::Settings& settings);

  bool empty() const { return tables_.empty(); }
  // The key is "4.4.1 text". Success stays success and failure stays failure: results that would change that, that are
  // no code with a text, or that a table cannot give, are told in the log, and the status stays what it was.
  Status apply(Status status) const;

 private:
  table::TableList tables_;
};

}  // namespace delivery
