#pragma once
// Inside the library: libdb, for writing only. Reading is berkeley_db_file.h's work.

#include <db.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "table/berkeley_db_file.h"
#include "table/build_buffer.h"

namespace table {

class BerkeleyWriter {
 public:
  struct Opening {
    BerkeleyKind kind;
    long cache_size;
    bool create = false;  // the file is there, and empty
    unsigned hash_buckets =
        0;  // when creating a hash: room for so many from the start, a power of two; 0 to let it grow
    unsigned hash_entries = 0;  // ... and for so many entries without a bucket being split
  };
  // `name` is what errors call the file at `path`.
  static std::expected<BerkeleyWriter, Error> open(const std::string& path, const std::string& name,
                                                   const Opening& opening);

  enum class Put { done, exists };
  std::expected<Put, Error> put(std::string_view key, std::string_view value, bool replace);
  // New keys all, best in the order of the index.
  std::expected<void, Error> put_all(const std::vector<BuildBuffer::Entry>& entries);
  std::expected<bool, Error> remove(std::string_view key);
  std::expected<void, Error> sync();
  std::expected<void, Error> close();  // without it the end of the object drops what is not on disk

 private:
  struct Closer {
    void operator()(DB* db) const { db->close(db, DB_NOSYNC); }
  };
  BerkeleyWriter(std::unique_ptr<DB, Closer> db, std::string name) : db_(std::move(db)), name_(std::move(name)) {}
  Error failed(int error) const;

  std::unique_ptr<DB, Closer> db_;
  std::string name_;
};

constexpr unsigned kBerkeleyPage = 4096;

}  // namespace table
