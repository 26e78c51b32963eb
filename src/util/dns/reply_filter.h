#pragma once
// smtpd_dns_reply_filter and its like: tables that take records out of answers.

#include <string>
#include <string_view>

#include "dns/resolver.h"
#include "table/list.h"
#include "table/open.h"

namespace dns {

constexpr std::string_view kFilteredWords = "DNS reply filter drops all results";

class ReplyFilter {
 public:
  ReplyFilter(std::string_view parameter, std::string_view value, const table::Settings& settings);

  // What is left of the records. When nothing is, or a table cannot tell, the answer is a failure: try again.
  Answer apply(std::vector<Record> records, std::string_view name, Type type) const;

  bool has_changed() const { return tables_.has_changed(); }

 private:
  table::TableList tables_;
};

// A record as the tables are asked for it: "example.com. 300 IN MX 10 mail.example.com."
std::string text_of(const Record& record);

}  // namespace dns
