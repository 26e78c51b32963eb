#include "table/berkeley_db.h"

#include <cstring>

namespace table {

namespace {

constexpr std::size_t kBulk = 1024 * 1024;
constexpr std::size_t kPerBulkEntry = 4 * sizeof(std::uint32_t);

// libdb would write its own messages to standard error.
void ignore_message(const DB_ENV*, const char*, const char*) {}

DBT to_dbt(std::string_view text) {
  DBT dbt{};
  dbt.data = const_cast<char*>(text.data());  // libdb does not write to it
  dbt.size = static_cast<std::uint32_t>(text.size());
  return dbt;
}

}  // namespace

Error BerkeleyWriter::failed(int error) const {
  // Positive numbers are errno's: no space left on device, file too large.
  const std::string why =
      error > 0 ? base::with_errno("write " + name_, error) : fmt::format("write {}: {}", name_, ::db_strerror(error));
  return {why, error < 0};
}

std::expected<BerkeleyWriter, Error> BerkeleyWriter::open(const std::string& path, const std::string& name,
                                                          const Opening& opening) {
  DB* raw = nullptr;
  if (const int error = ::db_create(&raw, nullptr, 0); error != 0) {
    return std::unexpected(Error{base::with_errno("open database " + name, error)});
  }
  BerkeleyWriter writer(std::unique_ptr<DB, Closer>(raw), name);
  raw->set_errcall(raw, ignore_message);
  const auto cache = static_cast<std::uint32_t>(std::clamp(opening.cache_size, 128L * 1024, 1024L * 1024 * 1024));
  int error = raw->set_cachesize(raw, 0, cache, 1);
  if (error == 0 && opening.create) error = raw->set_pagesize(raw, kBerkeleyPage);
  if (error == 0 && opening.create && opening.hash_buckets > 2) {
    // libdb makes room for hash_nelem / ffactor buckets, rounded up to a power of two, and splits a bucket when there
    // are more than ffactor entries a bucket, where hash_nelem counts as entries that are there.
    const std::uint32_t per_bucket = 2 * (opening.hash_entries / opening.hash_buckets + 1);
    error = raw->set_h_ffactor(raw, per_bucket);
    if (error == 0) error = raw->set_h_nelem(raw, opening.hash_buckets / 2 * per_bucket + 1);
  }
  // An absolute or dotted name: libdb looks nowhere else for it.
  const std::string file = path.contains('/') ? path : "./" + path;
  if (error == 0) {
    error = raw->open(raw, nullptr, file.c_str(), nullptr, opening.kind == BerkeleyKind::hash ? DB_HASH : DB_BTREE,
                      opening.create ? DB_CREATE : 0, 0600);
  }
  if (error != 0) {
    const std::string what = "open database " + name;
    return std::unexpected(Error{error > 0 ? base::with_errno(what, error) : what + ": " + ::db_strerror(error), true});
  }
  return writer;
}

std::expected<BerkeleyWriter::Put, Error> BerkeleyWriter::put(std::string_view key, std::string_view value,
                                                              bool replace) {
  DBT stored_key = to_dbt(key);
  DBT stored_value = to_dbt(value);
  const int error = db_->put(db_.get(), nullptr, &stored_key, &stored_value, replace ? 0 : DB_NOOVERWRITE);
  if (error == DB_KEYEXIST) return Put::exists;
  if (error != 0) return std::unexpected(failed(error));
  return Put::done;
}

std::expected<void, Error> BerkeleyWriter::put_all(const std::vector<BuildBuffer::Entry>& entries) {
  std::vector<std::uint32_t> memory(kBulk / sizeof(std::uint32_t));
  DBT bulk{};
  bulk.data = memory.data();
  bulk.ulen = kBulk;
  bulk.flags = DB_DBT_USERMEM | DB_DBT_BULK;
  // libdb's macros for this are written in C; the layout that they make: texts from the front, and from the back four
  // numbers an entry (where the key is, its length, where the value is, its length), then the mark of the end.
  char* const texts = reinterpret_cast<char*>(memory.data());
  std::uint32_t* numbers = nullptr;
  std::uint32_t used = 0;
  const auto begin = [&] {
    numbers = memory.data() + memory.size() - 1;
    *numbers = static_cast<std::uint32_t>(-1);
    used = 0;
  };
  const auto put = [&]() -> std::expected<void, Error> {
    if (used == 0) return {};
    DBT unused{};
    const int error = db_->put(db_.get(), nullptr, &bulk, &unused, DB_MULTIPLE_KEY);
    if (error != 0) return std::unexpected(failed(error));
    begin();
    return {};
  };
  begin();
  for (const BuildBuffer::Entry& entry : entries) {
    const std::size_t size = std::size_t{entry.key_length} + entry.value_length;
    if (size > kBulk / 4) {
      auto one = this->put(entry.key(), entry.value(), true);
      if (!one) return std::unexpected(one.error());
      continue;
    }
    const std::size_t numbers_begin = static_cast<std::size_t>(numbers - memory.data()) * sizeof(std::uint32_t);
    if (used + size + kPerBulkEntry > numbers_begin) {
      auto all = put();
      if (!all) return all;
    }
    std::memcpy(texts + used, entry.data, size);
    *numbers-- = used;
    *numbers-- = entry.key_length;
    *numbers-- = used + entry.key_length;
    *numbers-- = entry.value_length;
    *numbers = static_cast<std::uint32_t>(-1);
    used += static_cast<std::uint32_t>(size);
  }
  return put();
}

std::expected<bool, Error> BerkeleyWriter::remove(std::string_view key) {
  DBT stored_key = to_dbt(key);
  const int error = db_->del(db_.get(), nullptr, &stored_key, 0);
  if (error == DB_NOTFOUND) return false;
  if (error != 0) return std::unexpected(failed(error));
  return true;
}

std::expected<void, Error> BerkeleyWriter::sync() {
  const int error = db_->sync(db_.get(), 0);
  if (error != 0) return std::unexpected(failed(error));
  return {};
}

std::expected<void, Error> BerkeleyWriter::close() {
  DB* db = db_.release();
  const int error = db->close(db, 0);
  if (error != 0) return std::unexpected(failed(error));
  return {};
}

}  // namespace table
