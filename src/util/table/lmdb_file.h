#pragma once
// Inside the library: reads LMDB files (data version 1, 64-bit little-endian) without the library, so that no byte of a
// damaged file is trusted.
//
//   pages 0, 1  the meta pages: magic, version, page size, roots of the trees, last page, transaction number; the one
//               with the higher number is in force
//   branch      least keys of the children and their page numbers
//   leaf        keys and values, in the order of keys
//   overflow    a value that is too long for a leaf, on pages in a row
//
// Tree 0 lists the free pages, tree 1 has the entries.

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "table/index_file.h"

namespace table {

class LmdbFile {
 public:
  // Checks the meta pages. The caller holds a lock on the file, here and in all calls below.
  static std::expected<LmdbFile, Error> open(IndexFile file);

  const IndexFile& index() const { return file_; }

  std::expected<std::optional<std::string>, Error> find(std::string_view key);
  std::expected<void, Error> for_each(const std::function<bool(std::string_view key, std::string_view value)>& each);

  // Walks both trees whole: what passes is safe for the library to change.
  std::expected<void, Error> check();

 private:
  using Pgno = std::uint64_t;
  struct Tree {
    unsigned flags = 0;
    unsigned depth = 0;
    Pgno root = 0;  // kNoPage: empty
  };
  struct Meta {
    std::uint64_t transaction = 0;
    Pgno last_page = 0;
    Tree free_pages, entries;
  };
  struct Page {
    std::string_view bytes;
    Pgno number = 0;
    bool leaf = false;
    unsigned nodes = 0;
    std::size_t lower = 0, upper = 0;
    const char* wrong = nullptr;  // why it cannot be used; also in Node
  };
  struct Node {
    std::string_view key;
    unsigned flags = 0;
    Pgno child = 0;            // on branch pages
    std::uint32_t length = 0;  // of the value, on leaf pages
    std::string_view value;    // or, when it is elsewhere:
    Pgno overflow = 0;
    bool elsewhere = false;
    const char* wrong = nullptr;
  };
  using Visit = std::function<std::expected<bool, Error>(const Node& node)>;

  explicit LmdbFile(IndexFile file) : file_(std::move(file)) {}

  std::expected<void, Error> look();  // at the file as it is now
  std::expected<Meta, Error> parse_meta(std::string_view page) const;
  Page page(Pgno number) const;
  std::optional<std::string_view> key(const Page& page, unsigned index) const;  // nothing: out of place
  Node node(const Page& page, unsigned index) const;
  std::expected<std::string_view, Error> value_of(const Node& node) const;
  std::expected<bool, Error> walk(const Tree& tree, Pgno number, unsigned depth, bool strict, const Visit& visit,
                                  std::vector<bool>& seen) const;
  std::expected<void, Error> check_free_list(const Node& node, std::vector<bool>& free) const;
  std::expected<void, Error> check_page(const Page& page, const Tree& tree) const;

  Error damaged(std::string_view why) const;
  Error damaged(Pgno page, std::string_view why) const;
  Error refused(std::string_view why) const;

  IndexFile file_;
  std::string_view bytes_;  // as of the last look
  std::size_t page_size_ = 0;
  Meta meta_;
};

}  // namespace table
