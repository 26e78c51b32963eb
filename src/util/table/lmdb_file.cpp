#include "table/lmdb_file.h"

#include <algorithm>
#include <bit>
#include <cstring>

namespace table {

namespace {

constexpr std::uint32_t kMagic = 0xBEEFC0DE;
constexpr std::uint32_t kVersion = 1;
constexpr std::uint64_t kNoPage = ~std::uint64_t{0};
constexpr unsigned kDeepest = 32;
constexpr unsigned kOwnTree = 0;  // the trees' places in a meta page
constexpr std::uint64_t kMetaPages = 2;

// A page.
constexpr std::size_t kHeader = 16;
constexpr std::size_t kFlags = 10;
constexpr std::size_t kLower = 12;
constexpr std::size_t kUpper = 14;
constexpr std::size_t kOverflowPages = 12;
constexpr unsigned kBranchPage = 0x01;
constexpr unsigned kLeafPage = 0x02;
constexpr unsigned kOverflowPage = 0x04;
constexpr unsigned kMetaPage = 0x08;
constexpr unsigned kKindOfPage = 0x6F;  // but for the bits that only matter in memory

// A meta page, behind the header.
constexpr std::size_t kTrees = 40;
constexpr std::size_t kTreeSize = 48;
constexpr std::size_t kLastPage = 136;
constexpr std::size_t kTransaction = 144;
constexpr std::size_t kMetaSize = 152;

// A node.
constexpr std::size_t kNodeHeader = 8;
constexpr unsigned kBigValue = 0x01;
constexpr std::size_t kLongestKey = 511;

constexpr unsigned kIntegerKeys = 0x08;
constexpr unsigned kTreeFlags = 0x7F;

template <typename Number>
Number number_at(const char* at) {
  Number number = 0;
  std::memcpy(&number, at, sizeof number);
  return number;
}

template <typename Number>
Number number_in(std::string_view bytes, std::size_t offset = 0) {
  return number_at<Number>(&bytes[offset]);
}

}  // namespace

Error LmdbFile::damaged(std::string_view why) const {
  return {fmt::format("{} is damaged: {}; rebuild it from its source file", file_.path(), why), true};
}

Error LmdbFile::damaged(Pgno page, std::string_view why) const {
  return damaged(fmt::format("page {}: {}", page, why));
}

Error LmdbFile::refused(std::string_view why) const {
  return {fmt::format("open database {}: {}", file_.path(), why), true};
}

std::expected<LmdbFile, Error> LmdbFile::open(IndexFile file) {
  LmdbFile opened(std::move(file));
  auto bytes = opened.file_.bytes();
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < kMetaSize) {
    return std::unexpected(opened.refused("Bad file descriptor (the file is empty or cut short)"));
  }
  const char* start = bytes->data();
  if (number_at<std::uint32_t>(start + kHeader) != kMagic) {
    return std::unexpected(opened.refused("MDB_INVALID: File is not an LMDB file"));
  }
  if (const auto version = number_at<std::uint32_t>(start + kHeader + 4); version != kVersion) {
    return std::unexpected(
        opened.refused(fmt::format("MDB_VERSION_MISMATCH: LMDB data version {} is not supported", version)));
  }
  opened.page_size_ = number_at<std::uint32_t>(start + kTrees);
  if (!std::has_single_bit(opened.page_size_) || opened.page_size_ < 512 || opened.page_size_ > 65536) {
    return std::unexpected(opened.refused("MDB_INVALID: bad page size"));
  }
  auto looked = opened.look();
  if (!looked) return std::unexpected(looked.error());
  return opened;
}

std::expected<LmdbFile::Meta, Error> LmdbFile::parse_meta(std::string_view page) const {
  const char* at = page.data();
  const unsigned flags = number_at<std::uint16_t>(at + kFlags);
  if ((flags & kKindOfPage) != kMetaPage || number_at<std::uint32_t>(at + kHeader) != kMagic ||
      number_at<std::uint32_t>(at + kHeader + 4) != kVersion || number_at<std::uint32_t>(at + kTrees) != page_size_) {
    return std::unexpected(damaged("bad meta page"));
  }
  Meta meta;
  meta.last_page = number_at<std::uint64_t>(at + kLastPage);
  meta.transaction = number_at<std::uint64_t>(at + kTransaction);
  if (meta.last_page < kMetaPages - 1 || meta.last_page > std::uint64_t{1} << 47U) {
    return std::unexpected(damaged("bad meta page"));
  }
  unsigned place = kOwnTree;
  for (Tree* tree : {&meta.free_pages, &meta.entries}) {
    const char* of_tree = at + kTrees + kTreeSize * place++;
    tree->flags = number_at<std::uint16_t>(of_tree + 4) & kTreeFlags;
    tree->depth = number_at<std::uint16_t>(of_tree + 6);
    tree->root = number_at<std::uint64_t>(of_tree + 40);
    if (tree->depth > kDeepest || (tree->depth == 0) != (tree->root == kNoPage)) {
      return std::unexpected(damaged("bad meta page"));
    }
  }
  if (meta.free_pages.flags != kIntegerKeys) return std::unexpected(damaged("bad meta page"));
  if (meta.entries.flags != 0) return std::unexpected(refused("not a plain LMDB table"));
  return meta;
}

std::expected<void, Error> LmdbFile::look() {
  auto bytes = file_.bytes(kMetaPages * page_size_);
  if (!bytes) return std::unexpected(bytes.error());
  bytes_ = *bytes;
  if (bytes_.size() < kMetaPages * page_size_) return std::unexpected(damaged("the file is cut short"));
  // The library writes a meta page in one go and would itself believe a torn one. One that is wrong might be the newer,
  // so the file cannot be used.
  auto first = parse_meta(bytes_);
  if (!first) return std::unexpected(first.error());
  auto second = parse_meta(bytes_.substr(page_size_));
  if (!second) return std::unexpected(second.error());
  meta_ = second->transaction > first->transaction ? *second : *first;
  const std::size_t least = (meta_.last_page + 1) * page_size_;
  if (bytes_.size() < least) {
    // It may have grown since the last look.
    bytes = file_.bytes(least);
    if (!bytes) return std::unexpected(bytes.error());
    bytes_ = *bytes;
  }
  if (bytes_.size() < least) return std::unexpected(damaged("the file is cut short"));
  return {};
}

LmdbFile::Page LmdbFile::page(Pgno number) const {
  Page page;
  page.number = number;
  if (number < kMetaPages || number > meta_.last_page) {
    page.wrong = "no such page";
    return page;
  }
  page.bytes = bytes_.substr(number * page_size_, page_size_);
  const char* at = page.bytes.data();
  const unsigned kind = number_at<std::uint16_t>(at + kFlags) & kKindOfPage;
  page.leaf = kind == kLeafPage;
  page.lower = number_at<std::uint16_t>(at + kLower);
  page.upper = number_at<std::uint16_t>(at + kUpper);
  if (number_at<std::uint64_t>(at) != number) {
    page.wrong = "it bears another number";
  } else if (kind != kBranchPage && kind != kLeafPage) {
    page.wrong = "not a page of a tree";
  } else if (page.lower < kHeader || page.lower > page.upper || page.upper > page_size_ || page.lower % 2 != 0) {
    page.wrong = "the free space is out of place";
  } else {
    page.nodes = static_cast<unsigned>((page.lower - kHeader) / 2);
  }
  return page;
}

inline std::optional<std::string_view> LmdbFile::key(const Page& page, unsigned index) const {
  const char* bytes = page.bytes.data();
  const std::size_t offset = number_at<std::uint16_t>(bytes + kHeader + 2 * std::size_t{index});
  if (offset < page.upper || offset + kNodeHeader > page_size_) return std::nullopt;
  const std::size_t length = number_at<std::uint16_t>(bytes + offset + 6);
  if (length > page_size_ - offset - kNodeHeader) return std::nullopt;
  return std::string_view(bytes + offset + kNodeHeader, length);
}

LmdbFile::Node LmdbFile::node(const Page& page, unsigned index) const {
  const char* bytes = page.bytes.data();
  const std::size_t offset = number_at<std::uint16_t>(bytes + kHeader + 2 * std::size_t{index});
  Node node;
  if (offset < page.upper || offset + kNodeHeader > page_size_ || offset % 2 != 0) {
    node.wrong = "a node is out of place";
    return node;
  }
  const char* at = bytes + offset;
  const std::uint32_t low = number_at<std::uint16_t>(at);
  const std::uint32_t high = number_at<std::uint16_t>(at + 2);
  const unsigned flags = number_at<std::uint16_t>(at + 4);
  const std::size_t key_length = number_at<std::uint16_t>(at + 6);
  const std::size_t room = page_size_ - offset - kNodeHeader;
  if (key_length > room) {
    node.wrong = "a key is too long";
    return node;
  }
  node.key = std::string_view(at + kNodeHeader, key_length);
  node.flags = flags;
  if (!page.leaf) {
    node.child = std::uint64_t{low} | std::uint64_t{high} << 16U | std::uint64_t{flags} << 32U;
    return node;
  }
  node.length = low | high << 16U;
  const std::size_t room_for_value = room - key_length;
  if (flags == 0 && node.length <= room_for_value) {
    node.value = std::string_view(at + kNodeHeader + key_length, node.length);
  } else if (flags == kBigValue && room_for_value >= sizeof(Pgno)) {
    node.elsewhere = true;
    node.overflow = number_at<std::uint64_t>(at + kNodeHeader + key_length);
  } else {
    node.wrong = flags == 0 ? "a value is too long" : "a node of unknown kind";
  }
  return node;
}

std::expected<std::string_view, Error> LmdbFile::value_of(const Node& node) const {
  if (!node.elsewhere) return node.value;
  const std::uint64_t pages = (std::uint64_t{node.length} + kHeader + page_size_ - 1) / page_size_;
  if (node.overflow < kMetaPages || pages > meta_.last_page || node.overflow > meta_.last_page + 1 - pages) {
    return std::unexpected(damaged(node.overflow, "a long value is out of place"));
  }
  const std::string_view chain = bytes_.substr(node.overflow * page_size_, pages * page_size_);
  if (number_in<std::uint64_t>(chain) != node.overflow ||
      (number_in<std::uint16_t>(chain, kFlags) & kKindOfPage) != kOverflowPage ||
      number_in<std::uint32_t>(chain, kOverflowPages) != pages) {
    return std::unexpected(damaged(node.overflow, "not the page of a long value"));
  }
  return chain.substr(kHeader, node.length);
}

std::expected<std::optional<std::string>, Error> LmdbFile::find(std::string_view key) {
  auto looked = look();
  if (!looked) return std::unexpected(looked.error());
  Pgno number = meta_.entries.root;
  if (number == kNoPage) return std::nullopt;
  for (unsigned depth = 1; depth <= meta_.entries.depth; ++depth) {
    const Page at = page(number);
    if (at.wrong != nullptr) return std::unexpected(damaged(number, at.wrong));
    if (at.leaf != (depth == meta_.entries.depth)) return std::unexpected(damaged(number, "a page of the wrong level"));
    // Leaves: the node with the key. Branches: the last child whose least key is not over it; that of the first counts
    // as under every key.
    unsigned low = at.leaf ? 0 : 1;
    unsigned high = at.nodes;
    while (low < high) {
      const unsigned middle = low + (high - low) / 2;
      const auto candidate = this->key(at, middle);
      if (!candidate) return std::unexpected(damaged(number, "a node is out of place"));
      const int order = key.compare(*candidate);
      if (order == 0 && at.leaf) {
        const Node found = node(at, middle);
        if (found.wrong != nullptr) return std::unexpected(damaged(number, found.wrong));
        auto value = value_of(found);
        if (!value) return std::unexpected(value.error());
        return std::string(*value);
      }
      if (order < 0) {
        high = middle;
      } else {
        low = middle + 1;
      }
    }
    if (at.leaf) return std::nullopt;
    if (at.nodes == 0) return std::unexpected(damaged(number, "an empty branch"));
    const Node child = node(at, low - 1);
    if (child.wrong != nullptr) return std::unexpected(damaged(number, child.wrong));
    number = child.child;
  }
  return std::unexpected(damaged(number, "the tree is deeper than it says"));
}

// Keys in order; nodes and free space side by side, without overlap or gap.
std::expected<void, Error> LmdbFile::check_page(const Page& page, const Tree& tree) const {
  struct Extent {
    std::size_t begin;
    std::size_t size;
  };
  std::vector<Extent> extents;
  std::string_view before;
  const bool is_entries = tree.flags == 0;
  for (unsigned i = 0; i < page.nodes; ++i) {
    const Node at = node(page, i);
    if (at.wrong != nullptr) return std::unexpected(damaged(page.number, at.wrong));
    if (is_entries && i > (page.leaf ? 0U : 1U) && at.key.compare(before) <= 0) {
      return std::unexpected(damaged(page.number, "keys out of order"));
    }
    if (at.key.size() > kLongestKey || (is_entries && page.leaf && at.key.empty())) {
      return std::unexpected(damaged(page.number, "a key of a size that cannot be"));
    }
    before = at.key;
    const std::size_t value = !page.leaf ? 0 : at.elsewhere ? sizeof(Pgno) : at.length;
    const std::size_t begin = number_in<std::uint16_t>(page.bytes, kHeader + 2 * std::size_t{i});
    extents.push_back({begin, (kNodeHeader + at.key.size() + value + 1) / 2 * 2});
  }
  std::ranges::sort(extents, {}, &Extent::begin);
  std::size_t end = page.upper;
  for (const Extent& extent : extents) {
    if (extent.begin != end) return std::unexpected(damaged(page.number, "nodes overlap"));
    end += extent.size;
  }
  if (end != page_size_) return std::unexpected(damaged(page.number, "nodes overlap"));
  return {};
}

// The leaves below page `number`, in order; false when `visit` has had enough. `strict` checks all that the library
// would take for granted.
std::expected<bool, Error> LmdbFile::walk(const Tree& tree, Pgno number, unsigned depth, bool strict,
                                          const Visit& visit, std::vector<bool>& seen) const {
  const Page page = this->page(number);
  if (page.wrong != nullptr) return std::unexpected(damaged(number, page.wrong));
  if (seen[number]) return std::unexpected(damaged(number, "two ways lead to it"));
  seen[number] = true;
  if (page.leaf != (depth == tree.depth) || depth > tree.depth) {
    return std::unexpected(damaged(number, "a page of the wrong level"));
  }
  const unsigned least = !page.leaf ? 2 : depth > 1 ? 1 : 0;
  const bool is_entries = tree.flags == 0;
  if (strict && page.nodes < least && (is_entries || page.nodes == 0)) {
    return std::unexpected(damaged(number, "a page with too few nodes"));
  }
  if (strict) {
    auto sound = check_page(page, tree);
    if (!sound) return std::unexpected(sound.error());
  }
  for (unsigned i = 0; i < page.nodes; ++i) {
    const Node at = node(page, i);
    if (at.wrong != nullptr) return std::unexpected(damaged(number, at.wrong));
    auto more = page.leaf ? visit(at) : walk(tree, at.child, depth + 1, strict, visit, seen);
    if (!more || !*more) return more;
  }
  return true;
}

std::expected<void, Error> LmdbFile::for_each(
    const std::function<bool(std::string_view key, std::string_view value)>& each) {
  auto looked = look();
  if (!looked) return looked;
  if (meta_.entries.root == kNoPage) return {};
  std::vector<bool> seen(meta_.last_page + 1);
  auto walked = walk(
      meta_.entries, meta_.entries.root, 1, false,
      [&](const Node& node) -> std::expected<bool, Error> {
        if (!node.elsewhere) return each(node.key, node.value);
        auto value = value_of(node);
        if (!value) return std::unexpected(value.error());
        return each(node.key, *value);
      },
      seen);
  if (!walked) return std::unexpected(walked.error());
  return {};
}

// A list of free pages: their count, then their numbers, the highest first.
std::expected<void, Error> LmdbFile::check_free_list(const Node& node, std::vector<bool>& free) const {
  auto list = value_of(node);
  if (!list) return std::unexpected(list.error());
  const std::size_t numbers = list->size() / sizeof(Pgno);
  if (node.key.size() != sizeof(std::uint64_t) || list->size() % sizeof(Pgno) != 0 || numbers == 0 ||
      number_in<std::uint64_t>(*list) >= numbers) {
    return std::unexpected(damaged("a bad list of free pages"));
  }
  const std::uint64_t count = number_in<std::uint64_t>(*list);
  Pgno before = meta_.last_page + 1;
  for (std::uint64_t i = 1; i <= count; ++i) {
    const auto number = number_in<std::uint64_t>(*list, sizeof(Pgno) * i);
    if (number < kMetaPages || number >= before || free[number]) {
      return std::unexpected(damaged("a bad list of free pages"));
    }
    free[number] = true;
    before = number;
  }
  return {};
}

std::expected<void, Error> LmdbFile::check() {
  auto looked = look();
  if (!looked) return looked;
  std::vector<bool> seen(meta_.last_page + 1);
  const auto take_value = [&](const Node& node) -> std::expected<void, Error> {
    if (!node.elsewhere) return {};
    auto value = value_of(node);
    if (!value) return std::unexpected(value.error());
    const std::uint64_t pages = (std::uint64_t{node.length} + kHeader + page_size_ - 1) / page_size_;
    for (std::uint64_t i = 0; i < pages; ++i) {
      if (seen[node.overflow + i]) return std::unexpected(damaged(node.overflow + i, "two ways lead to it"));
      seen[node.overflow + i] = true;
    }
    return {};
  };
  std::vector<bool> free(meta_.last_page + 1);
  for (const Tree* tree : {&meta_.free_pages, &meta_.entries}) {
    if (tree->root == kNoPage) continue;
    auto walked = walk(
        *tree, tree->root, 1, true,
        [&](const Node& node) -> std::expected<bool, Error> {
          auto taken = take_value(node);
          if (taken && tree == &meta_.free_pages) taken = check_free_list(node, free);
          if (!taken) return std::unexpected(taken.error());
          return true;
        },
        seen);
    if (!walked) return std::unexpected(walked.error());
  }
  for (Pgno number = 0; number <= meta_.last_page; ++number) {
    if (seen[number] && free[number]) return std::unexpected(damaged(number, "free and in use at once"));
  }
  return {};
}

}  // namespace table
