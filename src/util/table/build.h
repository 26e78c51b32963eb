#pragma once
// Builds an indexed table file beside the old one; readers see the old or the new one, never a part.
//
// The new file takes the owner and mode of the old one, as if that had been written in place (a cdb file never does).
// Where the directory may not be written to but the old file may, the new one is built elsewhere and copied over it
// under an exclusive lock.

#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "base/file.h"
#include "table/open.h"

namespace table {

class Builder {
 public:
  virtual ~Builder() = default;  // without commit(), nothing has happened

  // Adds an entry, folding and NUL-terminating as the options say. A key that exists is warned of, ignored or replaced,
  // as the options say (event "table.duplicate_key", text `<file>: duplicate entry: "<key>"`).
  virtual std::expected<void, Error> add(std::string_view key, std::string_view value) = 0;
  // As it is: no folding, no NUL byte. For the service keys of alias tables.
  virtual std::expected<void, Error> add_verbatim(std::string_view key, std::string_view value) = 0;

  // Folds as add() does. Only after amend(); false: there was no such key.
  virtual std::expected<bool, Error> remove(std::string_view key) = 0;

  virtual std::expected<void, Error> commit() = 0;  // fsync, rename, fsync of the directory
};

// `path` is that of the source: the file made is path.db, path.lmdb, path.cdb. Types that have no file of their own
// (texthash, static, ...) answer "unsupported dictionary type for this operation" in Postfix's words.
std::expected<std::unique_ptr<Builder>, Error> build(std::string_view type, const std::string& path,
                                                     const Settings& settings, const Options& options,
                                                     const base::ReplacementFile::Ownership& ownership);

// As build(), but begins with the entries of the table that is there ("open database x.db: No such file or directory").
// Other processes that change the table wait for commit() or the end of the builder. hash, btree and lmdb only.
std::expected<std::unique_ptr<Builder>, Error> amend(std::string_view type, const std::string& path,
                                                     const Settings& settings, const Options& options,
                                                     const base::ReplacementFile::Ownership& ownership);

bool is_buildable(std::string_view type);

// The file that a table of the type has: "x.db" for hash:x. Empty for types without one.
std::string index_file_of(std::string_view type, const std::string& path);

}  // namespace table
