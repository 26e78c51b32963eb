#include "config/config.h"
#include "config/param.h"
#include "table/open.h"

namespace table {

Settings Settings::from(const config::Config& config) {
  namespace param = config::param;
  Settings settings;
  settings.berkeley_db_create_buffer = config[param::berkeley_db_create_buffer_size];
  settings.berkeley_db_read_buffer = config[param::berkeley_db_read_buffer_size];
  settings.lmdb_map_size = config[param::lmdb_map_size];
  settings.socketmap_max_reply = config[param::socketmap_max_reply_size];
  settings.socketmap_max_query = config[param::socketmap_max_query_size];
  settings.smtputf8 = config[param::smtputf8_enable];
  settings.default_type = config[param::default_database_type];
  settings.queue_directory = config[param::queue_directory];
  settings.proxymap_service = config[param::proxymap_service_name];
  return settings;
}

}  // namespace table
