#pragma once
// Inside the library: liblmdb, for writing only. Reading is lmdb_file.h's work.

#include <lmdb.h>

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "table/lmdb_file.h"

namespace table {

class LmdbWriter {
 public:
  struct Opening {
    std::size_t map_size;  // the file can grow to this
    bool sync = true;      // commit() waits for the disk
  };
  // The file at `path` must have been checked, or be empty. The caller holds an exclusive lock on it while a
  // transaction is open.
  static std::expected<LmdbWriter, Error> open(const std::string& path, const std::string& name,
                                               const Opening& opening);

  // A result of the library that the caller must know: MDB_MAP_FULL, MDB_KEYEXIST and MDB_NOTFOUND are no errors here.
  enum class Result { done, exists, not_found, map_full };

  std::expected<Result, Error> begin();
  std::expected<Result, Error> put(std::string_view key, std::string_view value, unsigned flags);
  std::expected<Result, Error> remove(std::string_view key);
  std::expected<Result, Error> commit();
  void abort() { transaction_.reset(); }

  // Without an open transaction. What it did is to be done again.
  std::expected<void, Error> double_map();

 private:
  struct CloseEnvironment {
    void operator()(MDB_env* environment) const { mdb_env_close(environment); }
  };
  struct Abort {
    void operator()(MDB_txn* transaction) const { mdb_txn_abort(transaction); }
  };
  LmdbWriter(std::unique_ptr<MDB_env, CloseEnvironment> environment, std::string name, std::size_t map_size)
      : environment_(std::move(environment)), name_(std::move(name)), map_size_(map_size) {}
  std::expected<Result, Error> result(int error);

  std::unique_ptr<MDB_env, CloseEnvironment> environment_;
  std::unique_ptr<MDB_txn, Abort> transaction_;
  MDB_dbi table_ = 0;
  std::string name_;
  std::size_t map_size_;
};

// lmdb_map_size, doubled until it holds `bytes`.
std::size_t lmdb_map_size(long configured, std::size_t bytes);

}  // namespace table
