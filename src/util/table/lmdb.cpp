#include "table/lmdb.h"

#include <cerrno>

namespace table {

namespace {

constexpr std::size_t kLeastMap = 1024UL * 1024;
constexpr std::size_t kLargestMap = std::size_t{1} << 46U;

MDB_val to_val(std::string_view text) {
  return {text.size(), const_cast<char*>(text.data())};  // liblmdb does not write to it
}

}  // namespace

std::size_t lmdb_map_size(long configured, std::size_t bytes) {
  // A whole number of pages of any size, or the library refuses it.
  std::size_t size = std::max(kLeastMap, static_cast<std::size_t>(std::max(configured, 0L)) / 65536 * 65536);
  while (size < bytes && size < kLargestMap) size *= 2;
  return size;
}

std::expected<LmdbWriter, Error> LmdbWriter::open(const std::string& path, const std::string& name,
                                                  const Opening& opening) {
  MDB_env* raw = nullptr;
  if (const int error = mdb_env_create(&raw); error != 0) {
    return std::unexpected(Error{"open database " + name + ": " + mdb_strerror(error)});
  }
  LmdbWriter writer(std::unique_ptr<MDB_env, CloseEnvironment>(raw), name, opening.map_size);
  int error = mdb_env_set_mapsize(raw, opening.map_size);
  const unsigned flags = MDB_NOSUBDIR | MDB_NOLOCK | (opening.sync ? 0U : unsigned{MDB_NOSYNC});
  if (error == 0) error = mdb_env_open(raw, path.c_str(), flags, 0600);
  if (error != 0) return std::unexpected(Error{"open database " + name + ": " + mdb_strerror(error)});
  return writer;
}

std::expected<LmdbWriter::Result, Error> LmdbWriter::result(int error) {
  switch (error) {
    case MDB_SUCCESS:
      return Result::done;
    case MDB_KEYEXIST:
      return Result::exists;
    case MDB_NOTFOUND:
      return Result::not_found;
    case MDB_MAP_FULL:
    case MDB_MAP_RESIZED:
      abort();
      return Result::map_full;
    default:
      break;
  }
  // What the library says when the system took only a part of what it wrote.
  const std::string_view hint = error == EIO ? " (the disk may be full, or the size of files limited)" : "";
  return std::unexpected(Error{fmt::format("error updating {}: {}{}", name_, mdb_strerror(error), hint), error < 0});
}

std::expected<LmdbWriter::Result, Error> LmdbWriter::begin() {
  MDB_txn* raw = nullptr;
  int error = mdb_txn_begin(environment_.get(), nullptr, 0, &raw);
  if (error != 0) return result(error);
  transaction_.reset(raw);
  error = mdb_dbi_open(raw, nullptr, 0, &table_);
  return result(error);
}

std::expected<LmdbWriter::Result, Error> LmdbWriter::put(std::string_view key, std::string_view value, unsigned flags) {
  MDB_val stored_key = to_val(key);
  MDB_val stored_value = to_val(value);
  return result(mdb_put(transaction_.get(), table_, &stored_key, &stored_value, flags));
}

std::expected<LmdbWriter::Result, Error> LmdbWriter::remove(std::string_view key) {
  MDB_val stored_key = to_val(key);
  const int error = mdb_del(transaction_.get(), table_, &stored_key, nullptr);
  return result(error == MDB_BAD_VALSIZE ? MDB_NOTFOUND : error);  // too long to be there
}

std::expected<LmdbWriter::Result, Error> LmdbWriter::commit() {
  return result(mdb_txn_commit(transaction_.release()));
}

std::expected<void, Error> LmdbWriter::double_map() {
  map_size_ *= 2;
  const int error = map_size_ > kLargestMap ? ENOMEM : mdb_env_set_mapsize(environment_.get(), map_size_);
  if (error != 0) return std::unexpected(Error{fmt::format("error updating {}: {}", name_, mdb_strerror(error))});
  return {};
}

}  // namespace table
