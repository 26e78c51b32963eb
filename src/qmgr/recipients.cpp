#include "qmgr/recipients.h"

namespace qmgr {

namespace {

// The first byte tells what need not be said. Then notify flags (a byte), offset (varint), address, and those of
// original and dsn_original that are neither empty nor derived; all but the last with their length.
constexpr unsigned kOriginalIsAddress = 1;
constexpr unsigned kOriginalIsEmpty = 2;
constexpr unsigned kDsnIsOriginal = 4;  // rfc822;<original>
constexpr unsigned kDsnIsEmpty = 8;
constexpr std::string_view kDsnPrefix = "rfc822;";

void put_number(std::string& to, std::uint64_t number) {
  while (number >= 0x80) {
    to.push_back(static_cast<char>((number & 0x7f) | 0x80));
    number >>= 7;
  }
  to.push_back(static_cast<char>(number));
}

void put_text(std::string& to, std::string_view text) {
  put_number(to, text.size());
  to += text;
}

// What was packed here is well-formed.
struct Reader {
  std::string_view rest;
  unsigned char byte() {
    const auto value = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    return value;
  }
  std::uint64_t number() {
    std::uint64_t value = 0;
    for (unsigned shift = 0;; shift += 7) {
      const unsigned char part = byte();
      value |= std::uint64_t{part & 0x7fU} << shift;
      if ((part & 0x80) == 0) return value;
    }
  }
  std::string text() {
    const auto size = static_cast<std::size_t>(number());
    std::string result(rest.substr(0, size));
    rest.remove_prefix(result.size());
    return result;
  }
};

}  // namespace

std::string pack(const delivery::RequestRecipient& recipient) {
  unsigned flags = 0;
  if (recipient.original == recipient.address) {
    flags |= kOriginalIsAddress;
  } else if (recipient.original.empty()) {
    flags |= kOriginalIsEmpty;
  }
  const std::string_view dsn = recipient.dsn_original;
  if (dsn.empty()) {
    flags |= kDsnIsEmpty;
  } else if (dsn.starts_with(kDsnPrefix) && dsn.substr(kDsnPrefix.size()) == recipient.original) {
    flags |= kDsnIsOriginal;
  }
  std::string packed;
  packed.reserve(recipient.address.size() + 8);
  packed.push_back(static_cast<char>(flags));
  packed.push_back(static_cast<char>(recipient.notify & 0xff));
  put_number(packed, static_cast<std::uint64_t>(recipient.offset));
  put_text(packed, recipient.address);
  if ((flags & (kOriginalIsAddress | kOriginalIsEmpty)) == 0) put_text(packed, recipient.original);
  if ((flags & (kDsnIsOriginal | kDsnIsEmpty)) == 0) put_text(packed, dsn);
  return packed;
}

delivery::RequestRecipient unpack(std::string_view packed) {
  Reader reader{packed};
  delivery::RequestRecipient recipient;
  const unsigned flags = reader.byte();
  recipient.notify = reader.byte();
  recipient.offset = static_cast<std::int64_t>(reader.number());
  recipient.address = reader.text();
  if ((flags & kOriginalIsAddress) != 0) {
    recipient.original = recipient.address;
  } else if ((flags & kOriginalIsEmpty) == 0) {
    recipient.original = reader.text();
  }
  if ((flags & kDsnIsOriginal) != 0) {
    recipient.dsn_original = std::string(kDsnPrefix) + recipient.original;
  } else if ((flags & kDsnIsEmpty) == 0) {
    recipient.dsn_original = reader.text();
  }
  return recipient;
}

std::vector<delivery::RequestRecipient> unpack_all(const scheduler::PackedList& packed) {
  std::vector<delivery::RequestRecipient> recipients;
  recipients.reserve(packed.size());
  packed.for_each([&](std::string_view item) { recipients.push_back(unpack(item)); });
  return recipients;
}

}  // namespace qmgr
