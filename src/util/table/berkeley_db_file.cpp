#include "table/berkeley_db_file.h"

#include <bit>
#include <cstring>

#include "table/berkeley_db_layout.h"

namespace table {

using namespace berkeley_layout;

std::uint32_t berkeley_hash(std::string_view key) {
  std::uint32_t hash = 0;
  for (const char c : key) hash = (hash * 16777619U) ^ static_cast<unsigned char>(c);
  return hash;
}

Error BerkeleyFile::damaged(std::string_view why) const {
  return {fmt::format("{} is damaged: {}; rebuild it from its source file", file_.path(), why), true};
}

Error BerkeleyFile::damaged(Pgno page, std::string_view why) const {
  return damaged(fmt::format("page {}: {}", page, why));
}

std::expected<BerkeleyFile, Error> BerkeleyFile::open(IndexFile file, BerkeleyKind kind) {
  BerkeleyFile opened(std::move(file), kind);
  auto looked = opened.look();
  if (!looked) return std::unexpected(looked.error());
  return opened;
}

std::expected<void, Error> BerkeleyFile::look() {
  auto bytes = file_.bytes(kMetaSize);
  if (!bytes) return std::unexpected(bytes.error());
  bytes_ = *bytes;
  if (bytes_.size() < kMetaSize) {
    return std::unexpected(
        Error{fmt::format("open database {}: Invalid argument (the file is empty or cut short)", file_.path()), true});
  }
  const std::string_view page = bytes_.substr(0, kMetaSize);
  if (page != meta_bytes_) {
    auto meta = parse_meta(page);
    if (!meta) return std::unexpected(meta.error());
    meta_ = *meta;
    meta_bytes_ = page;
  }
  const std::size_t least = (std::size_t{meta_.last_page} + 1) * meta_.page_size;
  if (bytes_.size() < least) {
    // It may have grown since the last look.
    bytes = file_.bytes(least);
    if (!bytes) return std::unexpected(bytes.error());
    bytes_ = *bytes;
  }
  if (bytes_.size() < least) {
    return std::unexpected(
        Error{fmt::format("open database {}: Invalid argument (damaged: the file is cut short)", file_.path()), true});
  }
  return {};
}

std::expected<BerkeleyFile::Meta, Error> BerkeleyFile::parse_meta(std::string_view page) const {
  const auto refuse = [&](std::string_view why) {
    return std::unexpected(Error{fmt::format("open database {}: Invalid argument ({})", file_.path(), why), true});
  };
  const char* at = page.data();
  const std::uint32_t magic = u32(at + 12);
  const std::uint32_t wanted = kind_ == BerkeleyKind::hash ? kHashMagic : kBtreeMagic;
  if (magic != wanted) {
    if (magic == kHashMagic) return refuse("this is a hash file, not a btree file");
    if (magic == kBtreeMagic) return refuse("this is a btree file, not a hash file");
    if (magic == std::byteswap(wanted)) return refuse("made on a machine with another byte order");
    return refuse("not a Berkeley DB file");
  }
  const std::uint32_t version = u32(at + 16);
  if (version != 9 && !(version == 8 && kind_ == BerkeleyKind::hash)) {
    return refuse(fmt::format("Berkeley DB file format version {} is not supported", version));
  }
  Meta meta;
  meta.page_size = u32(at + 20);
  if (!std::has_single_bit(meta.page_size) || meta.page_size < kLeastPage || meta.page_size > kLargestPage) {
    return refuse("damaged: bad page size");
  }
  if (u8(at + 24) != 0) return refuse("encrypted");
  if (u8(at + 25) != (kind_ == BerkeleyKind::hash ? kHashMeta : kBtreeMeta)) return refuse("damaged: bad meta page");
  if (u8(at + 26) != 0 || u32(at + 36) != 0) return refuse("files with checksums or partitions are not supported");
  meta.free_list = u32(at + 28);
  meta.last_page = u32(at + 32);
  const std::uint32_t flags = u32(at + 48);
  if (kind_ == BerkeleyKind::btree) {
    meta.root = u32(at + 88);
    if (flags != 0 || u32(at + 76) != kLeastKeys || u32(at + 80) != 0) return refuse("not a plain btree file");
    if (meta.root == 0 || meta.root > meta.last_page) return refuse("damaged: bad root page");
    return meta;
  }
  meta.max_bucket = u32(at + 72);
  meta.high_mask = u32(at + 76);
  meta.low_mask = u32(at + 80);
  if (flags != 0) return refuse("not a plain hash file");
  if (!std::has_single_bit(std::uint64_t{meta.high_mask} + 1) || meta.low_mask != meta.high_mask >> 1U ||
      meta.max_bucket > meta.high_mask || meta.max_bucket < meta.low_mask || meta.max_bucket >= meta.last_page) {
    return refuse("damaged: bad bucket masks");
  }
  if (u32(at + 92) != berkeley_hash(std::string_view(kHashProbe, sizeof kHashProbe)))
    return refuse("another hash function");
  std::memcpy(meta.spares, at + 96, sizeof meta.spares);
  return meta;
}

BerkeleyFile::Page BerkeleyFile::page(Pgno number) const {
  Page page;
  page.number = number;
  if (number == 0 || number > meta_.last_page) {
    page.wrong = "no such page";
    return page;
  }
  page.bytes = bytes_.substr(std::size_t{number} * meta_.page_size, meta_.page_size);
  const char* at = page.bytes.data();
  page.previous = u32(at + 12);
  page.next = u32(at + 16);
  page.entries = u16(at + 20);
  page.free_offset = u16(at + 22);
  page.level = u8(at + 24);
  page.type = u8(at + 25);
  // A page that was set aside for a bucket and never used is all zero.
  if (page.type == kUnused) page.entries = 0;
  const bool has_items = page.type != kOverflow && page.type != kUnused;
  if (page.type != kUnused && u32(at + 8) != number) {
    page.wrong = "it bears another number";
  } else if (page.next > meta_.last_page || page.previous > meta_.last_page) {
    page.wrong = "its neighbour does not exist";
  } else if (has_items && kPageHeader + 2 * std::size_t{page.entries} > meta_.page_size) {
    page.wrong = "too many items";
  }
  return page;
}

// From the item's first byte to the end of the page; empty when the item is out of place, else at least kTreeItemHeader
// bytes.
std::string_view BerkeleyFile::slot(const Page& page, unsigned index) const {
  const std::size_t offset = u16(page.bytes.data() + kPageHeader + 2 * std::size_t{index});
  if (offset < kPageHeader + 2 * std::size_t{page.entries} || offset + kTreeItemHeader > meta_.page_size) return {};
  return page.bytes.substr(offset);
}

BerkeleyFile::Item BerkeleyFile::hash_item(const Page& page, unsigned index) const {
  const char* offsets = page.bytes.data() + kPageHeader;
  const std::size_t begin = u16(offsets + 2 * std::size_t{index});
  const std::size_t end = index == 0 ? meta_.page_size : u16(offsets + 2 * std::size_t{index - 1});
  Item item;
  if (begin < kPageHeader + 2 * std::size_t{page.entries} || begin >= end || end > meta_.page_size) {
    item.wrong = "an item is out of place";
    return item;
  }
  const char* at = page.bytes.data() + begin;
  const unsigned char type = u8(at);
  if (type == kHashData) {
    item.here = std::string_view(at + 1, end - begin - 1);
  } else if (type == kHashOffPage && end - begin == kHashOffPageSize) {
    item.overflow = true;
    item.first_page = u32(at + 4);
    item.length = u32(at + 8);
  } else {
    item.wrong = "an item of unknown kind";
  }
  return item;
}

BerkeleyFile::Item BerkeleyFile::leaf_item(const Page& page, unsigned index) const {
  const std::string_view rest = slot(page, index);
  Item item;
  if (rest.empty()) {
    item.wrong = "an item is out of place";
    return item;
  }
  const char* at = rest.data();
  item.deleted = (u8(at + 2) & kTreeDeleted) != 0;
  const unsigned char type = u8(at + 2) & static_cast<unsigned char>(~kTreeDeleted);
  if (type == kTreeData) {
    const std::size_t length = u16(at);
    if (kTreeItemHeader + length > rest.size()) {
      item.wrong = "an item is too long";
    } else {
      item.here = rest.substr(kTreeItemHeader, length);
    }
  } else if (type == kTreeOverflow && rest.size() >= kTreeOverflowSize) {
    item.overflow = true;
    item.first_page = u32(at + 4);
    item.length = u32(at + 8);
  } else {
    item.wrong = "an item of unknown kind";
  }
  return item;
}

BerkeleyFile::Branch BerkeleyFile::branch(const Page& page, unsigned index) const {
  const std::string_view rest = slot(page, index);
  Branch branch;
  const char* at = rest.data();
  const std::size_t length = rest.empty() ? 0 : u16(at);
  if (rest.empty() || kBranchHeader + length > rest.size()) {
    branch.wrong = "an item is out of place";
    return branch;
  }
  branch.child = u32(at + 4);
  const std::string_view key = rest.substr(kBranchHeader, length);
  const unsigned char type = u8(at + 2) & static_cast<unsigned char>(~kTreeDeleted);
  if (type == kTreeData) {
    branch.key.here = key;
  } else if (type == kTreeOverflow && length >= kTreeOverflowSize) {
    branch.key.overflow = true;
    branch.key.first_page = u32(key.data() + 4);
    branch.key.length = u32(key.data() + 8);
  } else {
    branch.wrong = "an item of unknown kind";
  }
  return branch;
}

BerkeleyFile::Item BerkeleyFile::item(const Page& page, unsigned index) const {
  return kind_ == BerkeleyKind::hash ? hash_item(page, index) : leaf_item(page, index);
}

std::expected<std::string, Error> BerkeleyFile::overflow(const Item& item) const {
  std::string text;
  // Each page of the chain holds at least a byte, so the length bounds the walk, and the file's size bounds the length.
  if (item.length > (std::uint64_t{meta_.last_page} + 1) * meta_.page_size) {
    return std::unexpected(damaged(item.first_page, "a long item is longer than the file"));
  }
  for (Pgno next = item.first_page; text.size() < item.length;) {
    const Page part = page(next);
    if (part.wrong != nullptr) return std::unexpected(damaged(next, part.wrong));
    const std::size_t length = part.free_offset;
    if (part.type != kOverflow || length == 0 || kPageHeader + length > meta_.page_size) {
      return std::unexpected(damaged(next, "not a part of a long item"));
    }
    text.append(part.bytes.substr(kPageHeader, length));
    next = part.next;
  }
  if (text.size() != item.length) return std::unexpected(damaged(item.first_page, "a long item has another length"));
  return text;
}

std::expected<std::string_view, Error> BerkeleyFile::text_of(const Item& item, std::string& storage) const {
  if (!item.overflow) return item.here;
  auto text = overflow(item);
  if (!text) return std::unexpected(text.error());
  storage = std::move(*text);
  return storage;
}

std::expected<int, Error> BerkeleyFile::compare(std::string_view key, const Item& item) const {
  if (!item.overflow) return key.compare(item.here);
  std::string storage;
  auto text = text_of(item, storage);
  if (!text) return std::unexpected(text.error());
  return key.compare(*text);
}

std::expected<std::optional<std::string>, Error> BerkeleyFile::find(std::string_view key) {
  auto looked = look();
  if (!looked) return std::unexpected(looked.error());
  return kind_ == BerkeleyKind::hash ? find_in_bucket(key) : find_in_tree(key);
}

std::expected<std::optional<std::string>, Error> BerkeleyFile::value_of(const Page& page, const Item& item) const {
  if (item.wrong != nullptr) return std::unexpected(damaged(page.number, item.wrong));
  if (item.deleted) return std::nullopt;
  if (!item.overflow) return std::string(item.here);
  auto text = overflow(item);
  if (!text) return std::unexpected(text.error());
  return std::move(*text);
}

std::expected<BerkeleyFile::Pgno, Error> BerkeleyFile::bucket_page(std::uint32_t bucket) const {
  // The buckets of one doubling stand in one row; the spares say where each row begins.
  const std::uint32_t page = bucket + meta_.spares[std::bit_width(bucket)];
  if (page == 0 || page > meta_.last_page) return std::unexpected(damaged("a bucket has no page"));
  return page;
}

std::expected<std::optional<std::string>, Error> BerkeleyFile::find_in_bucket(std::string_view key) {
  std::uint32_t bucket = berkeley_hash(key) & meta_.high_mask;
  if (bucket > meta_.max_bucket) bucket &= meta_.low_mask;
  auto number = bucket_page(bucket);
  if (!number) return std::unexpected(number.error());
  Pgno steps = 0;
  for (Pgno next = *number; next != 0;) {
    if (++steps > meta_.last_page) return std::unexpected(damaged(next, "a chain of pages has no end"));
    const Page page = this->page(next);
    if (page.wrong != nullptr) return std::unexpected(damaged(next, page.wrong));
    next = page.next;
    if (page.type != kHash && page.type != kUnsortedHash && page.type != kUnused) {
      return std::unexpected(damaged(page.number, "not a hash page"));
    }
    for (unsigned i = 0; i + 1 < page.entries; i += 2) {
      const Item stored = hash_item(page, i);
      if (stored.wrong != nullptr) return std::unexpected(damaged(page.number, stored.wrong));
      if (stored.overflow ? stored.length != key.size() : stored.here.size() != key.size()) continue;
      auto order = compare(key, stored);
      if (!order) return std::unexpected(order.error());
      if (*order != 0) continue;
      return value_of(page, hash_item(page, i + 1));
    }
  }
  return std::nullopt;
}

// To the leaf where the key would be; without a key, to the first leaf.
std::expected<BerkeleyFile::Page, Error> BerkeleyFile::descend(std::optional<std::string_view> key) const {
  Pgno number = meta_.root;
  for (unsigned depth = 0; depth < kDeepestTree; ++depth) {
    const Page leaf = page(number);
    if (leaf.wrong != nullptr) return std::unexpected(damaged(number, leaf.wrong));
    if (leaf.type == kLeaf) return leaf;
    if (leaf.type != kInternal || leaf.entries == 0) return std::unexpected(damaged(number, "not a btree page"));
    // The last child whose least key is not over the key; the first child's least key counts as under every key.
    unsigned low = 0;
    unsigned high = leaf.entries;
    while (key && high - low > 1) {
      const unsigned middle = low + (high - low) / 2;
      const Branch at = branch(leaf, middle);
      if (at.wrong != nullptr) return std::unexpected(damaged(number, at.wrong));
      auto order = compare(*key, at.key);
      if (!order) return std::unexpected(order.error());
      (*order < 0 ? high : low) = middle;
    }
    const Branch at = branch(leaf, low);
    if (at.wrong != nullptr) return std::unexpected(damaged(number, at.wrong));
    number = at.child;
  }
  return std::unexpected(damaged(number, "the tree is too deep"));
}

std::expected<std::optional<std::string>, Error> BerkeleyFile::find_in_tree(std::string_view key) {
  auto leaf = descend(key);
  if (!leaf) return std::unexpected(leaf.error());
  unsigned low = 0;
  unsigned high = leaf->entries / 2;  // of pairs
  while (low < high) {
    const unsigned middle = low + (high - low) / 2;
    const Item stored = leaf_item(*leaf, 2 * middle);
    if (stored.wrong != nullptr) return std::unexpected(damaged(leaf->number, stored.wrong));
    auto order = compare(key, stored);
    if (!order) return std::unexpected(order.error());
    if (*order == 0) {
      if (stored.deleted) return std::nullopt;
      return value_of(*leaf, leaf_item(*leaf, 2 * middle + 1));
    }
    if (*order < 0) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return std::nullopt;
}

// The entries of a page and of those that follow it; false when `each` has had enough.
std::expected<bool, Error> BerkeleyFile::each_of_chain(
    Page page, Pgno& steps, const std::function<bool(std::string_view, std::string_view)>& each) const {
  std::string long_key;
  std::string long_value;
  while (true) {
    if (++steps > meta_.last_page) return std::unexpected(damaged(page.number, "a chain of pages has no end"));
    const bool fits = kind_ == BerkeleyKind::hash
                          ? page.type == kHash || page.type == kUnsortedHash || page.type == kUnused
                          : page.type == kLeaf;
    if (!fits || page.entries % 2 != 0) return std::unexpected(damaged(page.number, "not a page of entries"));
    for (unsigned i = 0; i < page.entries; i += 2) {
      const Item key = item(page, i);
      const Item value = item(page, i + 1);
      const char* wrong = key.wrong != nullptr ? key.wrong : value.wrong;
      if (wrong != nullptr) return std::unexpected(damaged(page.number, wrong));
      if (key.deleted || value.deleted) continue;
      auto key_text = text_of(key, long_key);
      if (!key_text) return std::unexpected(key_text.error());
      auto value_text = text_of(value, long_value);
      if (!value_text) return std::unexpected(value_text.error());
      if (!each(*key_text, *value_text)) return false;
    }
    if (page.next == 0) return true;
    page = this->page(page.next);
    if (page.wrong != nullptr) return std::unexpected(damaged(page.number, page.wrong));
  }
}

std::expected<void, Error> BerkeleyFile::for_each(
    const std::function<bool(std::string_view key, std::string_view value)>& each) {
  auto looked = look();
  if (!looked) return looked;
  Pgno steps = 0;
  if (kind_ == BerkeleyKind::btree) {
    auto leaf = descend(std::nullopt);
    if (!leaf) return std::unexpected(leaf.error());
    auto more = each_of_chain(*leaf, steps, each);
    if (!more) return std::unexpected(more.error());
    return {};
  }
  for (std::uint32_t bucket = 0; bucket <= meta_.max_bucket; ++bucket) {
    auto number = bucket_page(bucket);
    if (!number) return std::unexpected(number.error());
    const Page first = page(*number);
    if (first.wrong != nullptr) return std::unexpected(damaged(first.number, first.wrong));
    auto more = each_of_chain(first, steps, each);
    if (!more) return std::unexpected(more.error());
    if (!*more) return {};
  }
  return {};
}

}  // namespace table
