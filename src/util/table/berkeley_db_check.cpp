// What libdb takes for granted, and would go astray on if it were not so: loop, grow the file for ever, or write where
// it must not.

#include <algorithm>
#include <bit>
#include <iterator>

#include "table/berkeley_db_file.h"
#include "table/berkeley_db_layout.h"

namespace table {

using namespace berkeley_layout;

std::expected<void, Error> BerkeleyFile::check() {
  auto looked = look();
  if (!looked) return looked;
  Claims claims;
  claims.used.resize(std::size_t{meta_.last_page} + 1);
  auto free = check_free_list(claims);
  if (!free) return free;
  if (kind_ == BerkeleyKind::hash) return check_buckets(claims);
  auto tree = check_tree(meta_.root, 0, 0, claims);
  if (!tree) return tree;
  for (std::size_t i = 0; i < claims.leaves.size(); ++i) {
    const Page leaf = page(claims.leaves[i]);
    const Pgno before = i == 0 ? 0 : claims.leaves[i - 1];
    const Pgno after = i + 1 == claims.leaves.size() ? 0 : claims.leaves[i + 1];
    if (leaf.previous != before || leaf.next != after) {
      return std::unexpected(damaged(leaf.number, "its neighbours are others"));
    }
  }
  return {};
}

std::expected<void, Error> BerkeleyFile::claim(Pgno number, Claims& claims) const {
  if (number == 0 || number > meta_.last_page) return std::unexpected(damaged(number, "no such page"));
  if (claims.used[number]) return std::unexpected(damaged(number, "it is used twice"));
  claims.used[number] = true;
  return {};
}

std::expected<void, Error> BerkeleyFile::check_free_list(Claims& claims) const {
  for (Pgno number = meta_.free_list; number != 0;) {
    auto claimed = claim(number, claims);
    if (!claimed) return claimed;
    const Page free = page(number);
    if (free.wrong != nullptr) return std::unexpected(damaged(number, free.wrong));
    if (free.type != kUnused) return std::unexpected(damaged(number, "a free page that is in use"));
    number = free.next;
  }
  return {};
}

// Items and free space side by side, without overlap or gap.
std::expected<void, Error> BerkeleyFile::check_page(const Page& page) const {
  const std::size_t offsets_end = kPageHeader + 2 * std::size_t{page.entries};
  // On an empty page of 64 KB the offset does not fit and is 0.
  const std::size_t free_space = page.free_offset == 0 ? meta_.page_size : page.free_offset;
  if (free_space < offsets_end || free_space > meta_.page_size) {
    return std::unexpected(damaged(page.number, "the free space is out of place"));
  }
  struct Extent {
    std::size_t begin;
    std::size_t size;
  };
  std::vector<Extent> extents;
  for (unsigned i = 0; i < page.entries; ++i) {
    const bool is_branch = page.type == kInternal;
    const Branch at = is_branch ? branch(page, i) : Branch();
    const Item item = is_branch ? at.key : this->item(page, i);
    const char* wrong = is_branch ? at.wrong : item.wrong;
    if (wrong != nullptr) return std::unexpected(damaged(page.number, wrong));
    if (kind_ == BerkeleyKind::hash) continue;  // an item ends where the one before it begins
    const std::size_t begin = u16(page.bytes.data() + kPageHeader + 2 * std::size_t{i});
    const std::size_t content = item.overflow ? kTreeOverflowSize : item.here.size();
    const std::size_t size = is_branch ? kBranchHeader + content : item.overflow ? content : kTreeItemHeader + content;
    extents.push_back({begin, (size + 3) / 4 * 4});
  }
  if (kind_ == BerkeleyKind::hash) {
    const std::size_t lowest =
        page.entries == 0 ? meta_.page_size : u16(page.bytes.data() + kPageHeader + 2 * std::size_t{page.entries - 1});
    if (lowest != free_space) return std::unexpected(damaged(page.number, "the free space is out of place"));
    return {};
  }
  std::ranges::sort(extents, {}, &Extent::begin);
  std::size_t end = free_space;
  for (const Extent& extent : extents) {
    if (extent.begin != end) return std::unexpected(damaged(page.number, "items overlap"));
    end += extent.size;
  }
  if (end != meta_.page_size) return std::unexpected(damaged(page.number, "items overlap"));
  return {};
}

// The pages of long keys and values.
std::expected<void, Error> BerkeleyFile::check_items(const Page& page, Claims& claims) const {
  for (unsigned i = 0; i < page.entries; ++i) {
    const Item item = this->item(page, i);
    if (!item.overflow) continue;
    auto text = overflow(item);
    if (!text) return std::unexpected(text.error());
    std::size_t length = 0;
    Pgno before = 0;
    for (Pgno number = item.first_page; number != 0;) {
      // A branch of the tree may share the key's pages with the leaf; the count tells.
      auto claimed = claim(number, claims);
      if (!claimed) return claimed;
      const Page part = this->page(number);
      if (part.wrong != nullptr || part.type != kOverflow || part.previous != before) {
        return std::unexpected(damaged(number, "not a part of a long item"));
      }
      length += part.free_offset;
      before = number;
      number = part.next;
    }
    if (length != item.length) return std::unexpected(damaged(item.first_page, "a long item has another length"));
  }
  return {};
}

std::expected<void, Error> BerkeleyFile::check_buckets(Claims& claims) const {
  // Pages are set aside for all buckets of a doubling, and not yet for the next one.
  for (auto next = static_cast<std::size_t>(std::bit_width(meta_.high_mask)) + 1; next < std::size(meta_.spares);
       ++next) {
    if (meta_.spares[next] != 0) return std::unexpected(damaged("pages are set aside for buckets that are not there"));
  }
  for (std::uint32_t bucket = 0; bucket <= meta_.high_mask; ++bucket) {
    auto first = bucket_page(bucket);
    if (!first) return std::unexpected(first.error());
    Pgno before = 0;
    for (Pgno number = *first; number != 0;) {
      auto claimed = claim(number, claims);
      if (!claimed) return claimed;
      const Page page = this->page(number);
      if (page.wrong != nullptr) return std::unexpected(damaged(number, page.wrong));
      if (page.type == kUnused) {
        if (page.next != 0 || page.previous != 0) return std::unexpected(damaged(number, "its neighbours are others"));
        break;
      }
      if (page.type != kHash && page.type != kUnsortedHash) return std::unexpected(damaged(number, "not a hash page"));
      if (page.previous != before) return std::unexpected(damaged(number, "its neighbours are others"));
      if (page.entries % 2 != 0) return std::unexpected(damaged(number, "a key without a value"));
      if (bucket > meta_.max_bucket && (page.entries != 0 || page.next != 0)) {
        return std::unexpected(damaged(number, "a bucket that is not in use has entries"));
      }
      auto sound = check_page(page);
      if (sound) sound = check_items(page, claims);
      if (!sound) return sound;
      before = number;
      number = page.next;
    }
    if (bucket == 0xFFFFFFFFU) break;
  }
  return {};
}

// Keys in order, within the leaf and after those of the leaf before.
std::expected<void, Error> BerkeleyFile::check_leaf(const Page& page, Claims& claims) const {
  if (page.entries % 2 != 0) return std::unexpected(damaged(page.number, "a key without a value"));
  auto items = check_items(page, claims);
  if (!items) return items;
  std::string storage;
  for (unsigned i = 0; i < page.entries; i += 2) {
    auto key = text_of(item(page, i), storage);
    if (!key) return std::unexpected(key.error());
    if (claims.has_last_key && *key <= claims.last_key) {
      return std::unexpected(damaged(page.number, "keys out of order"));
    }
    claims.last_key = *key;
    claims.has_last_key = true;
  }
  return {};
}

// Every page belongs to the tree once, and levels go down by one.
std::expected<void, Error> BerkeleyFile::check_tree(Pgno number, unsigned level, unsigned depth, Claims& claims) const {
  auto claimed = claim(number, claims);
  if (!claimed) return claimed;
  const Page page = this->page(number);
  if (page.wrong != nullptr) return std::unexpected(damaged(number, page.wrong));
  if (depth > kDeepestTree || (depth > 0 && page.level + 1 != level)) {
    return std::unexpected(damaged(number, "a tree page of the wrong level"));
  }
  const bool leaf = page.type == kLeaf && page.level == 1;
  if (!leaf && (page.type != kInternal || page.level < 2 || page.entries == 0)) {
    return std::unexpected(damaged(number, "not a btree page"));
  }
  auto sound = check_page(page);
  if (!sound) return sound;
  if (leaf) {
    claims.leaves.push_back(number);
    return check_leaf(page, claims);
  }
  for (unsigned i = 0; i < page.entries; ++i) {
    const Branch at = branch(page, i);
    std::string storage;
    auto key = text_of(at.key, storage);
    if (!key) return std::unexpected(key.error());
    // The least key of the first child may be anything.
    if (i > 0 && claims.has_last_key && *key <= claims.last_key) {
      return std::unexpected(damaged(number, "keys out of order"));
    }
    const std::string bound(*key);
    const std::size_t leaves_before = claims.leaves.size();
    auto below = check_tree(at.child, page.level, depth + 1, claims);
    if (!below) return below;
    // Nothing below the child is under its least key.
    if (i > 0) {
      auto order = first_key_at_least(claims, leaves_before, bound);
      if (!order) return order;
    }
  }
  return {};
}

std::expected<void, Error> BerkeleyFile::first_key_at_least(const Claims& claims, std::size_t leaf,
                                                            std::string_view bound) const {
  for (; leaf < claims.leaves.size(); ++leaf) {
    const Page page = this->page(claims.leaves[leaf]);
    if (page.entries == 0) continue;
    auto order = compare(bound, item(page, 0));
    if (!order) return std::unexpected(order.error());
    if (*order > 0) return std::unexpected(damaged(page.number, "keys out of order"));
    return {};
  }
  return {};
}

}  // namespace table
