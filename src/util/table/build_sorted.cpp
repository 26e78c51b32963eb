#include "table/build_sorted.h"

namespace table {

namespace {
constexpr std::size_t kBufferedBytes = 256UL * 1024 * 1024;
}

SortingBuilder::SortingBuilder(const Options& options, const StoredForm& form, std::string shown_name)
    : options_(options), form_(form), shown_name_(std::move(shown_name)), buffer_(kBufferedBytes) {}

Duplicate SortingBuilder::duplicate(std::string_view stored_key) const {
  return on_duplicate(options_, shown_name_, without_nul(stored_key));
}

std::expected<void, Error> SortingBuilder::add(std::string_view key, std::string_view value) {
  key_ = folded(key, options_);
  std::string_view stored_value = value;
  if (form_.writes_nul()) {
    key_.push_back('\0');
    value_.assign(value);
    value_.push_back('\0');
    stored_value = value_;
  }
  if (BuildBuffer::Entry* old = buffer_.find(key_); old != nullptr) {
    if (duplicate(key_) == Duplicate::replace) buffer_.replace(*old, stored_value);
    return {};
  }
  buffer_.add(key_, stored_value);
  return buffer_.full() ? flush() : std::expected<void, Error>();
}

std::expected<void, Error> SortingBuilder::add_verbatim(std::string_view key, std::string_view value) {
  if (BuildBuffer::Entry* old = buffer_.find(key); old != nullptr) {
    buffer_.replace(*old, value);
  } else {
    buffer_.add(key, value);
  }
  return {};
}

std::expected<bool, Error> SortingBuilder::remove(std::string_view) {
  return std::unexpected(Error{"table " + shown_name_ + ": delete operation is not supported", true});
}

std::expected<void, Error> SortingBuilder::flush() {
  auto inserted = insert(buffer_.entries(), first_);
  first_ = false;
  buffer_.clear();
  return inserted;
}

std::expected<void, Error> SortingBuilder::commit() {
  finishing_ = true;
  auto flushed = flush();
  return flushed ? finish() : flushed;
}

void sort_by_key(std::vector<BuildBuffer::Entry>& entries) {
  if (entries.empty()) return;
  // Most comparisons are settled by eight bytes behind what all keys begin with.
  const std::string_view first = entries.front().key();
  std::size_t common = first.size();
  for (const BuildBuffer::Entry& entry : entries) {
    const std::string_view key = entry.key().substr(0, common);
    common = static_cast<std::size_t>(std::ranges::mismatch(key, first.substr(0, key.size())).in1 - key.begin());
  }
  for (BuildBuffer::Entry& entry : entries) {
    entry.order = 0;
    for (std::size_t i = common; i < common + 8; ++i) {
      const unsigned char byte = i < entry.key_length ? static_cast<unsigned char>(entry.data[i]) : 0;
      entry.order = entry.order << 8U | byte;
    }
  }
  std::ranges::sort(entries, [](const BuildBuffer::Entry& a, const BuildBuffer::Entry& b) {
    return a.order != b.order ? a.order < b.order : a.key() < b.key();
  });
}

}  // namespace table
