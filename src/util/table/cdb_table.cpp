#include "table/cdb_file.h"
#include "table/index_table.h"

namespace table {

Opened open_cdb(const std::string& argument, const Settings&, const Options& options) {
  if (options.access == Access::read_write) {
    return std::unexpected(
        Error{"dict_cdb_open: inappropriate open flags for cdb database - specify O_RDONLY or O_WRONLY|O_CREAT|O_TRUNC",
              true});
  }
  auto index = IndexFile::open(argument + ".cdb", Access::read);
  if (!index) return std::unexpected(index.error());
  auto file = CdbFile::open(std::move(*index));
  if (!file) return std::unexpected(file.error());
  file->index().warn_if_older_than(argument);
  // Never changed in place: readers need no lock.
  return std::make_unique<IndexTable<CdbFile>>("cdb:" + argument, std::move(*file), options, std::nullopt, false);
}

}  // namespace table
