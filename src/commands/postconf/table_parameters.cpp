#include "postconf/table_parameters.h"

#include <algorithm>
#include <array>

#include "base/text.h"

namespace postconf {

namespace {

struct TableType {
  std::string_view name;
  std::string_view parameters;
};

constexpr std::array kTypes = {
    TableType{
        "ldap",
        "bind bind_dn bind_pw cache cache_expiry cache_size chase_referrals debuglevel dereference domain "
        "expansion_limit "
        "leaf_result_attribute lookup_wildcards query_filter recursion_limit result_attribute result_filter "
        "result_format "
        "sasl_authz_id sasl_mechs sasl_minssf sasl_realm scope search_base search_timeout server_host server_port "
        "size_limit special_result_attribute start_tls terminal_result_attribute timeout tls_ca_cert_dir "
        "tls_ca_cert_file "
        "tls_cert tls_cipher_suite tls_key tls_random_file tls_require_cert version"},
    TableType{"memcache",
              "backup data_size_limit domain flags key_digest key_format line_size_limit max_try memcache retry_pause "
              "timeout ttl"},
    TableType{
        "mongodb",
        "auth_src dbname collection domain expansion_limit filter options projection query_filter result_attribute "
        "result_format uri"},
    TableType{"mysql",
              "additional_conditions charset dbname domain expansion_limit hosts idle_interval option_file "
              "option_group password "
              "query require_result_set result_format retry_interval select_field select_function table tls_CAfile "
              "tls_CApath "
              "tls_cert_file tls_ciphers tls_key_file tls_verify_cert user where_field"},
    TableType{
        "pgsql",
        "additional_conditions dbname domain encoding expansion_limit hosts idle_interval password query result_format "
        "retry_interval select_field select_function table user where_field"},
    TableType{"sqlite",
              "additional_conditions dbpath domain expansion_limit query result_format select_field table where_field"},
};

}  // namespace

bool has_parameters(std::string_view table_type) {
  return std::ranges::find(kTypes, table_type, &TableType::name) != kTypes.end();
}

bool is_table_parameter(std::string_view table_type, std::string_view name) {
  const auto type = std::ranges::find(kTypes, table_type, &TableType::name);
  if (type == kTypes.end()) return false;
  const auto known = base::split(type->parameters);
  return std::ranges::find(known, name) != known.end();
}

}  // namespace postconf
