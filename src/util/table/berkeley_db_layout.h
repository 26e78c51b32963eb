#pragma once
// Inside the library: numbers of the file format that berkeley_db_file.h reads.

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace table::berkeley_layout {

inline constexpr std::uint32_t kHashMagic = 0x061561;
inline constexpr std::uint32_t kBtreeMagic = 0x053162;
// What a hash function is told by; its NUL byte counts.
inline constexpr char kHashProbe[] = "%$sniglet^&";
inline constexpr std::size_t kMetaSize = 512;  // on every page size
inline constexpr std::size_t kPageHeader = 26;
inline constexpr std::size_t kLeastPage = 512;
inline constexpr std::size_t kLargestPage = 65536;

// Pages, by the byte at offset 25.
inline constexpr unsigned kUnused = 0;
inline constexpr unsigned kUnsortedHash = 2;
inline constexpr unsigned kInternal = 3;
inline constexpr unsigned kLeaf = 5;
inline constexpr unsigned kOverflow = 7;
inline constexpr unsigned kHashMeta = 8;
inline constexpr unsigned kBtreeMeta = 9;
inline constexpr unsigned kHash = 13;

// Items on hash pages, by their first byte.
inline constexpr unsigned char kHashData = 1;
inline constexpr unsigned char kHashOffPage = 3;
inline constexpr std::size_t kHashOffPageSize = 12;

// Items on btree pages, by their third byte.
inline constexpr unsigned char kTreeData = 1;
inline constexpr unsigned char kTreeOverflow = 3;
inline constexpr unsigned char kTreeDeleted = 0x80;
inline constexpr std::size_t kTreeItemHeader = 3;
inline constexpr std::size_t kTreeOverflowSize = 12;
inline constexpr std::size_t kBranchHeader = 12;

inline constexpr unsigned kDeepestTree = 32;
inline constexpr std::uint32_t kLeastKeys = 2;  // on a btree page; what else libdb can be told nobody tells it

inline std::uint16_t u16(const char* at) {
  std::uint16_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline std::uint32_t u32(const char* at) {
  std::uint32_t value = 0;
  std::memcpy(&value, at, sizeof value);
  return value;
}

inline unsigned char u8(const char* at) {
  return static_cast<unsigned char>(*at);
}

}  // namespace table::berkeley_layout
