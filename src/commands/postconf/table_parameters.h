#pragma once
// The parameters of tables that are configured by name=value settings: in a file of their own, or, as before
// Postfix 2.1, in main.cf as <table>_<parameter>.

#include <string_view>

namespace postconf {

bool has_parameters(std::string_view table_type);
bool is_table_parameter(std::string_view table_type, std::string_view name);

}  // namespace postconf
