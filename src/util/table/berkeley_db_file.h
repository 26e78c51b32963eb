#pragma once
// Inside the library: reads Berkeley DB hash and btree files (versions 8 and 9, as every libdb from 4.3 to 5.3 writes
// them) without the library, so that no byte of a damaged file is trusted: each offset, length and page number is
// checked before it is used.
//
//   page 0     the meta page: magic, version, page size, last page; hash: masks, and where the buckets' pages begin;
//              btree: the root
//   a page     a header of 26 bytes, offsets of the items (16 bits each), free space, items from the end downwards
//   hash page  items are key, value, key, value, ...; a bucket is a chain of pages
//   leaf       of a btree: the same, in the order of keys
//   internal   of a btree: the least key of each child
//   overflow   a part of a long key or value, on a chain of pages

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "table/index_file.h"

namespace table {

enum class BerkeleyKind { hash, btree };

class BerkeleyFile {
 public:
  // Checks the meta page. The caller holds a lock on the file, here and in all calls below.
  static std::expected<BerkeleyFile, Error> open(IndexFile file, BerkeleyKind kind);

  const IndexFile& index() const { return file_; }

  // The stored value of the stored key.
  std::expected<std::optional<std::string>, Error> find(std::string_view key);

  // Every entry as stored, in the table's order, until `each` returns false.
  std::expected<void, Error> for_each(const std::function<bool(std::string_view key, std::string_view value)>& each);

  // Reads every page of the file and follows every chain: what passes is safe for libdb to change.
  std::expected<void, Error> check();

 private:
  using Pgno = std::uint32_t;
  struct Meta {
    std::size_t page_size = 0;
    Pgno last_page = 0;
    Pgno free_list = 0;
    std::uint32_t max_bucket = 0, high_mask = 0, low_mask = 0;  // hash
    std::uint32_t spares[32] = {};                              // hash: bucket + spares[n] is its first page
    Pgno root = 0;                                              // btree
  };
  struct Page {
    std::string_view bytes;
    Pgno number = 0, previous = 0, next = 0;
    unsigned entries = 0, free_offset = 0, level = 0, type = 0;
    const char* wrong = nullptr;  // why it cannot be used; also in the structs below
  };
  struct Item {             // where a key or value is
    std::string_view here;  // on the page
    bool overflow = false;  // in a chain of pages instead
    bool deleted = false;
    Pgno first_page = 0;
    std::uint32_t length = 0;
    const char* wrong = nullptr;
  };

  BerkeleyFile(IndexFile file, BerkeleyKind kind) : file_(std::move(file)), kind_(kind) {}

  std::expected<void, Error> look();  // at the file as it is now
  std::expected<Meta, Error> parse_meta(std::string_view page) const;
  Page page(Pgno number) const;
  std::string_view slot(const Page& page, unsigned index) const;
  Item hash_item(const Page& page, unsigned index) const;
  Item leaf_item(const Page& page, unsigned index) const;
  struct Branch {
    Pgno child = 0;
    Item key;
    const char* wrong = nullptr;
  };
  Branch branch(const Page& page, unsigned index) const;
  Item item(const Page& page, unsigned index) const;
  std::expected<std::string, Error> overflow(const Item& item) const;
  std::expected<std::string_view, Error> text_of(const Item& item, std::string& storage) const;
  std::expected<std::optional<std::string>, Error> value_of(const Page& page, const Item& item) const;
  std::expected<int, Error> compare(std::string_view key, const Item& item) const;
  std::expected<Pgno, Error> bucket_page(std::uint32_t bucket) const;
  std::expected<Page, Error> descend(std::optional<std::string_view> key) const;
  std::expected<std::optional<std::string>, Error> find_in_bucket(std::string_view key);
  std::expected<std::optional<std::string>, Error> find_in_tree(std::string_view key);
  std::expected<bool, Error> each_of_chain(Page page, Pgno& steps,
                                           const std::function<bool(std::string_view, std::string_view)>& each) const;

  // What check() is made of. A page that is used is claimed, once.
  struct Claims {
    std::vector<bool> used;
    std::vector<Pgno> leaves;  // of the tree, in order
    std::string last_key;      // of the leaf before
    bool has_last_key = false;
  };
  std::expected<void, Error> claim(Pgno number, Claims& claims) const;
  std::expected<void, Error> check_page(const Page& page) const;
  std::expected<void, Error> check_items(const Page& page, Claims& claims) const;
  std::expected<void, Error> check_buckets(Claims& claims) const;
  std::expected<void, Error> check_tree(Pgno number, unsigned level, unsigned depth, Claims& claims) const;
  std::expected<void, Error> check_leaf(const Page& page, Claims& claims) const;
  std::expected<void, Error> check_free_list(Claims& claims) const;
  std::expected<void, Error> first_key_at_least(const Claims& claims, std::size_t leaf, std::string_view bound) const;

  Error damaged(std::string_view why) const;
  Error damaged(Pgno page, std::string_view why) const;

  IndexFile file_;
  BerkeleyKind kind_;
  std::string_view bytes_;  // as of the last look
  Meta meta_;
  std::string meta_bytes_;  // from which meta_ was made
};

// The hash function of libdb 5, by which a key has its bucket.
std::uint32_t berkeley_hash(std::string_view key);

}  // namespace table
