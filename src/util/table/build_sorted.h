#pragma once
// Inside the library: builders that hand their entries to an index in its own order, a memory-full at a time.

#include <string>
#include <string_view>

#include "table/build.h"
#include "table/build_buffer.h"
#include "table/index_file.h"

namespace table {

class SortingBuilder : public Builder {
 public:
  std::expected<void, Error> add(std::string_view key, std::string_view value) final;
  std::expected<void, Error> add_verbatim(std::string_view key, std::string_view value) final;
  std::expected<bool, Error> remove(std::string_view key) final;
  std::expected<void, Error> commit() final;

 protected:
  // `shown_name` is what messages call the table.
  SortingBuilder(const Options& options, const StoredForm& form, std::string shown_name);

  // Sorts the entries and puts them into the index, which is empty the first time. Of a key that an earlier call has
  // put there, duplicate() tells what becomes.
  virtual std::expected<void, Error> insert(std::vector<BuildBuffer::Entry>& entries, bool first) = 0;
  virtual std::expected<void, Error> finish() = 0;

  Duplicate duplicate(std::string_view stored_key) const;
  std::size_t buffered_bytes() const { return buffer_.bytes(); }
  bool finishing() const { return finishing_; }  // whether no entries come after those being inserted

 private:
  std::expected<void, Error> flush();

  Options options_;
  StoredForm form_;
  std::string shown_name_;
  BuildBuffer buffer_;
  bool first_ = true;
  bool finishing_ = false;
  std::string key_;
  std::string value_;
};

// In the order of bytes, a prefix before what it begins.
void sort_by_key(std::vector<BuildBuffer::Entry>& entries);

}  // namespace table
