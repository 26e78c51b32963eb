#include "dns/message.h"

#include <ares.h>
#include <arpa/inet.h>

#include <algorithm>
#include <memory>

#include "base/text.h"
#include "logging/log.h"
#include "mail/address.h"

namespace dns {

namespace {

constexpr std::size_t kHeader = 12;
constexpr std::size_t kRecordHeader = 10;  // after the name
constexpr int kMostJumps = 127;            // in one name; each must save at least a label of two bytes
constexpr std::size_t kLongestName = 255;  // as bytes
constexpr std::uint32_t kLongestTtl = 24 * 60 * 60;
constexpr std::uint32_t kLongestNegativeTtl = 3 * 60 * 60;

// Reads forward through a message; what lies outside of it is not there.
class Cursor {
 public:
  Cursor(std::string_view message, std::size_t at) : message_(message), at_(at) {}
  std::size_t at() const { return at_; }
  std::size_t left() const { return message_.size() - at_; }
  unsigned byte(std::size_t offset) const { return static_cast<unsigned char>(message_[at_ + offset]); }
  std::uint16_t u16() {
    const auto value = static_cast<std::uint16_t>(byte(0) << 8 | byte(1));
    at_ += 2;
    return value;
  }
  std::uint32_t u32() {
    const std::uint32_t high = u16();
    return high << 16 | u16();
  }
  std::string_view bytes(std::size_t size) {
    const std::string_view found = message_.substr(at_, size);
    at_ += size;
    return found;
  }
  // A name as text without its last dot, special characters escaped; ".": the root. Nothing for what is no name within
  // the message.
  std::optional<std::string> name();

 private:
  std::string_view message_;
  std::size_t at_;
};

// Where the name at `at` ends in the message, when it is one that c-ares may be let loose on: c-ares follows as many
// jumps as the message has bytes.
std::optional<std::size_t> end_of_name(std::string_view message, std::size_t at) {
  std::optional<std::size_t> end;
  std::size_t length = 1;
  int jumps = 0;
  while (at < message.size()) {
    const auto size = static_cast<unsigned char>(message[at]);
    if (size == 0) return end ? end : at + 1;
    if (size >= 0xc0) {
      if (at + 2 > message.size() || ++jumps > kMostJumps) return std::nullopt;
      if (!end) end = at + 2;
      const std::size_t target = (size & 0x3fU) << 8 | static_cast<unsigned char>(message[at + 1]);
      if (target >= at) return std::nullopt;  // forward: only malice
      at = target;
    } else {
      if (size > 63) return std::nullopt;
      length += size + 1U;
      if (length > kLongestName) return std::nullopt;
      at += size + 1U;
    }
  }
  return std::nullopt;
}

std::optional<std::string> Cursor::name() {
  const auto end = end_of_name(message_, at_);
  if (!end) return std::nullopt;
  const auto* start = reinterpret_cast<const unsigned char*>(message_.data());
  char* text = nullptr;
  long length = 0;
  if (::ares_expand_name(start + at_, start, static_cast<int>(message_.size()), &text, &length) != ARES_SUCCESS)
    return std::nullopt;
  const std::unique_ptr<char, void (*)(void*)> owner(text, ::ares_free_string);
  at_ = *end;
  return *text == '\0' ? "." : text;
}

bool wants_host_name(Type type) {
  return type == Type::mx || type == Type::ns || type == Type::ptr || type == Type::srv || type == Type::cname;
}

enum class Fit { good, bad_data, bad_name };

// The data of one record, which lies in the message at `cursor` and has `size` bytes that are all there.
Fit read_data(Cursor cursor, std::size_t size, Record& record) {
  const std::size_t end = cursor.at() + size;
  const auto host = [&] {
    auto name = cursor.name();
    if (!name || cursor.at() != end) return Fit::bad_data;
    record.data = std::move(*name);
    return Fit::good;
  };
  switch (record.type) {
    case Type::a:
    case Type::aaaa: {
      if (size != (record.type == Type::a ? 4U : 16U)) return Fit::bad_data;
      char text[INET6_ADDRSTRLEN];
      ::inet_ntop(record.type == Type::a ? AF_INET : AF_INET6, cursor.bytes(size).data(), text, sizeof text);
      record.data = text;
      return Fit::good;
    }
    case Type::ns:
    case Type::cname:
    case Type::ptr:
      return host();
    case Type::mx:
      if (size < 3) return Fit::bad_data;
      record.preference = cursor.u16();
      return host();
    case Type::srv:
      if (size < 7) return Fit::bad_data;
      record.preference = cursor.u16();
      record.weight = cursor.u16();
      record.port = cursor.u16();
      return host();
    case Type::txt: {
      // Of several strings the first, as in Postfix; but none may lie.
      for (bool first = true; cursor.at() < end; first = false) {
        const std::size_t length = cursor.byte(0);
        cursor.bytes(1);
        if (length > end - cursor.at()) return Fit::bad_data;
        const std::string_view text = cursor.bytes(length);
        if (first) record.data = text;
      }
      return size == 0 ? Fit::bad_data : Fit::good;
    }
    case Type::tlsa:
      if (size < 4) return Fit::bad_data;
      record.data = cursor.bytes(size);
      return Fit::good;
    case Type::soa: {
      const auto server = cursor.name();
      if (!server || cursor.at() > end) return Fit::bad_data;
      const auto mailbox = cursor.name();
      if (!mailbox || cursor.at() > end || end - cursor.at() != 20) return Fit::bad_data;
      record.data = *server + ' ' + *mailbox;
      for (int number = 0; number < 5; ++number) record.data += ' ' + std::to_string(cursor.u32());
      return Fit::good;
    }
  }
  return Fit::bad_data;
}

Fit check_name(const Record& record) {
  if (!wants_host_name(record.type)) return Fit::good;
  if (record.data == "." && (record.type == Type::mx || record.type == Type::srv)) return Fit::good;  // "none"
  const bool tell = record.type != Type::ptr;  // anyone's; who asks for it says what comes of it
  if (mail::is_numeric_domain(record.data)) {
    if (tell)
      logging::warning("dns.numeric_name", "numeric domain name in resource data of {type} record for {name}: {data}",
                       {{"type", name_of(record.type)}, {"name", record.owner}, {"data", record.data}});
    return Fit::good;
  }
  if (mail::is_valid_hostname(record.data)) return Fit::good;
  if (tell)
    logging::warning("dns.bad_name", "malformed domain name in resource data of {type} record for {name}: {data}",
                     {{"type", name_of(record.type)}, {"name", record.owner}, {"data", record.data.substr(0, 100)}});
  return Fit::bad_name;
}

struct RawRecord {
  std::string owner;
  std::uint16_t type, clazz;
  std::uint32_t ttl;
  std::size_t data_at, data_size;
};

std::optional<RawRecord> read_record(std::string_view message, Cursor& cursor) {
  RawRecord raw;
  auto owner = cursor.name();
  if (!owner || cursor.left() < kRecordHeader) return std::nullopt;
  raw.owner = std::move(*owner);
  raw.type = cursor.u16();
  raw.clazz = cursor.u16();
  raw.ttl = cursor.u32();
  if (raw.ttl > 0x7fffffffU) raw.ttl = 0;  // RFC 2181
  raw.ttl = std::min(raw.ttl, kLongestTtl);
  raw.data_size = cursor.u16();
  raw.data_at = cursor.at();
  if (raw.data_size > message.size() - raw.data_at) return std::nullopt;
  cursor.bytes(raw.data_size);
  return raw;
}

// How long "no such" may be remembered: RFC 2308.
std::uint32_t negative_ttl(std::string_view message, Cursor cursor, unsigned authorities) {
  for (unsigned index = 0; index < authorities && index < 100; ++index) {
    const auto raw = read_record(message, cursor);
    if (!raw) return 0;
    if (raw->type != static_cast<std::uint16_t>(Type::soa) || raw->clazz != 1 || raw->data_size < 22) continue;
    const std::uint32_t minimum = Cursor(message, raw->data_at + raw->data_size - 4).u32();
    return std::min({raw->ttl, minimum, kLongestNegativeTtl});
  }
  return 0;
}

}  // namespace

bool same_name(std::string_view a, std::string_view b) {
  return base::equals_folded(a, b);
}

std::optional<std::string> question(std::string_view name, Type type, std::uint16_t id, bool extended) {
  unsigned char* bytes = nullptr;
  int size = 0;
  if (::ares_create_query(std::string(name).c_str(), 1, static_cast<int>(type), id, 1, &bytes, &size,
                          extended ? kUdpPayload : 0) != ARES_SUCCESS)
    return std::nullopt;
  const std::unique_ptr<unsigned char, void (*)(void*)> owner(bytes, ::ares_free_string);
  return std::string(reinterpret_cast<const char*>(bytes), static_cast<std::size_t>(size));
}

std::expected<Reply, Mistrust> read_reply(std::string_view bytes, std::string_view name, Type type, std::uint16_t id,
                                          std::size_t most_records) {
  if (bytes.size() < kHeader || bytes.size() > 0xffff) return std::unexpected(Mistrust::not_ours);
  Cursor cursor(bytes, 0);
  if (cursor.u16() != id) return std::unexpected(Mistrust::not_ours);
  const unsigned flags = cursor.u16();
  const unsigned questions = cursor.u16();
  const unsigned answers = cursor.u16();
  const unsigned authorities = cursor.u16();
  cursor.u16();
  if ((flags & 0xf800) != 0x8000) return std::unexpected(Mistrust::not_ours);  // no answer, or to another operation
  Reply reply;
  reply.code = flags & 0x0f;
  reply.truncated = (flags & 0x0200) != 0;
  reply.end = name;
  if (questions == 0 && reply.code != 0 && reply.code != 3)
    return reply;  // a server that does not repeat what it refuses
  if (questions != 1) return std::unexpected(Mistrust::not_ours);
  const auto asked = cursor.name();
  if (!asked || !same_name(*asked, name) || cursor.left() < 4) return std::unexpected(Mistrust::not_ours);
  if (cursor.u16() != static_cast<std::uint16_t>(type) || cursor.u16() != 1) return std::unexpected(Mistrust::not_ours);
  if (reply.truncated || (reply.code != 0 && reply.code != 3)) return reply;

  std::uint32_t ttl = kLongestTtl;
  std::size_t found = 0;
  std::vector<RawRecord> aliases;
  std::vector<std::string> owners;  // of what was asked for
  const auto is_there = [&owners](std::string_view host) {
    return std::ranges::any_of(owners, [&](const std::string& owner) { return same_name(owner, host); });
  };
  // Aliases come before what they lead to in every server's answers, but nobody has to: they are sorted out first.
  const Cursor first = cursor;
  for (unsigned index = 0; index < answers; ++index) {
    auto raw = read_record(bytes, cursor);
    if (!raw) return std::unexpected(Mistrust::malformed);
    if (raw->clazz == 1 && raw->type == static_cast<std::uint16_t>(Type::cname) && type != Type::cname &&
        std::ssize(aliases) < kMostAliasesAtOnce)
      aliases.push_back(std::move(*raw));
    else if (raw->clazz == 1 && raw->type == static_cast<std::uint16_t>(type) &&
             std::ssize(owners) < kMostAliasesAtOnce)
      owners.push_back(std::move(raw->owner));
  }
  const Cursor end_of_answers = cursor;
  // Who has what was asked for needs no alias, though there should not be both.
  for (int steps = 0; steps < kMostAliasesAtOnce && !is_there(reply.end); ++steps) {
    const auto next =
        std::ranges::find_if(aliases, [&](const RawRecord& alias) { return same_name(alias.owner, reply.end); });
    if (next == aliases.end()) break;
    Record record{Type::cname, next->owner, next->ttl, {}};
    if (read_data(Cursor(bytes, next->data_at), next->data_size, record) != Fit::good)
      return std::unexpected(Mistrust::malformed);
    if (check_name(record) != Fit::good) {
      ++reply.unusable;
      ++reply.bad_names;
      reply.ttl = std::min(ttl, next->ttl);
      return reply;
    }
    reply.end = record.data;
    ++reply.aliases;
    ttl = std::min(ttl, next->ttl);
  }

  reply.alias_ttl = ttl;
  cursor = first;
  for (unsigned index = 0; index < answers; ++index) {
    auto raw = read_record(bytes, cursor);
    if (!raw) return std::unexpected(Mistrust::malformed);
    if (raw->clazz != 1 || raw->type != static_cast<std::uint16_t>(type) || !same_name(raw->owner, reply.end)) continue;
    if (found == most_records) {
      logging::warning("dns.too_many",
                       "DNS record count limit ({limit}) exceeded -- dropping excess record(s) after qname={name} "
                       "qtype={type}",
                       {{"limit", most_records}, {"name", name}, {"type", name_of(type)}});
      break;
    }
    Record record{type, std::move(raw->owner), raw->ttl, {}};
    Fit fit = read_data(Cursor(bytes, raw->data_at), raw->data_size, record);
    if (fit == Fit::good) fit = check_name(record);
    ++found;
    if (fit == Fit::good) {
      ttl = std::min(ttl, record.ttl);
      reply.records.push_back(std::move(record));
    } else {
      ++reply.unusable;
      if (fit == Fit::bad_name) ++reply.bad_names;
    }
  }
  if (reply.records.empty()) ttl = std::min(ttl, negative_ttl(bytes, end_of_answers, authorities));
  reply.ttl = ttl;
  return reply;
}

}  // namespace dns
