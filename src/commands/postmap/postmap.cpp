#include "postmap/postmap.h"

#include <csignal>

#include "base/error.h"
#include "command/open_logging.h"
#include "config/config.h"
#include "logging/log.h"
#include "postmap/change.h"
#include "postmap/make.h"
#include "postmap/query.h"

namespace postmap {

int run(const Request& request) {
  config::Source source;
  source.directory = request.config_directory;
  source.process_name = request.dialect->name;
  auto config = config::Config::load(source);
  if (!config) throw base::Fatal(config.error().text);
  if (request.verbosity > 0) logging::set_verbosity(request.verbosity);
  command::open_logging(*config, std::string(request.dialect->name));
  config->import_environment();
  // A file size limit is an error to be told of, like a full disk.
  std::signal(SIGXFSZ, SIG_IGN);

  switch (request.mode) {
    case Mode::create:
      return make_tables(request, *config);
    case Mode::incremental:
      return amend_tables(request, *config);
    case Mode::query:
      return query_tables(request, *config);
    case Mode::remove:
      return remove_keys(request, *config);
    case Mode::list:
      return list_table(request, *config);
  }
  return 1;
}

}  // namespace postmap
