#pragma once
// Requests and replies as bytes. A message is a plain struct that lists its fields once:
//
//   struct Notice {
//     static constexpr ipc::Kind kind = ipc::Kind::bounce_notice;
//     std::string queue_id;
//     int flags = 0;
//     std::vector<Part> parts;                        // of structs that list theirs
//     static void fields(auto& self, auto&& visit) { visit(self.queue_id, self.flags, self.parts); }
//   };
//
// Fields are strings, bools, integers, enums (as their number), doubles, std::optional, std::vector and such structs.
// Decoding is strict: a length that reaches beyond the end, more elements than bytes, or bytes left over are errors.

#include <concepts>
#include <cstdint>
#include <cstring>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "base/error.h"

namespace ipc {

class Encoder {
 public:
  explicit Encoder(std::string& to) : to_(to) {}
  template <typename... Fields>
  void operator()(const Fields&... fields) {
    (put(fields), ...);
  }

 private:
  void put_raw(const void* bytes, std::size_t size) { to_.append(static_cast<const char*>(bytes), size); }
  void put(const std::string& text) {
    put(static_cast<std::uint32_t>(text.size()));
    to_ += text;
  }
  template <typename T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void put(const T& number) {
    put_raw(&number, sizeof number);
  }
  template <typename T>
  void put(const std::optional<T>& maybe) {
    put(maybe.has_value());
    if (maybe) put(*maybe);
  }
  template <typename T>
  void put(const std::vector<T>& list) {
    put(static_cast<std::uint32_t>(list.size()));
    for (const T& element : list) put(element);
  }
  template <typename T>
    requires std::is_class_v<T>
  void put(const T& part) {
    T::fields(part, *this);
  }

  std::string& to_;
};

class Decoder {
 public:
  explicit Decoder(std::string_view from) : from_(from) {}
  template <typename... Fields>
  void operator()(Fields&... fields) {
    (get(fields), ...);
  }
  bool good() const { return good_; }
  bool finished() const { return good_ && from_.empty(); }

 private:
  std::string_view take(std::size_t size) {
    if (!good_ || size > from_.size()) {
      good_ = false;
      return {};
    }
    const std::string_view taken = from_.substr(0, size);
    from_.remove_prefix(size);
    return taken;
  }
  void get(std::string& text) {
    std::uint32_t size = 0;
    get(size);
    text = take(size);
  }
  void get(bool& flag) {  // any byte but 0 and 1 would be no bool at all
    const std::string_view bytes = take(1);
    if (bytes.empty()) return;
    if (static_cast<unsigned char>(bytes[0]) > 1) good_ = false;
    flag = bytes[0] == 1;
  }
  template <typename T>
    requires std::is_arithmetic_v<T> || std::is_enum_v<T>
  void get(T& number) {
    const std::string_view bytes = take(sizeof number);
    if (good_) std::memcpy(&number, bytes.data(), bytes.size());
  }
  template <typename T>
  void get(std::optional<T>& maybe) {
    bool there = false;
    get(there);
    maybe.reset();
    if (good_ && there) get(maybe.emplace());
  }
  template <typename T>
  void get(std::vector<T>& list) {
    std::uint32_t size = 0;
    get(size);
    list.clear();
    if (!good_ || size > from_.size()) {  // every element takes a byte at least: no allocation on a liar's word
      good_ = false;
      return;
    }
    for (std::uint32_t i = 0; good_ && i < size; ++i) get(list.emplace_back());
  }
  template <typename T>
    requires std::is_class_v<T>
  void get(T& part) {
    T::fields(part, *this);
  }

  std::string_view from_;
  bool good_ = true;
};

template <typename Message>
std::string encode(const Message& message) {
  std::string bytes;
  Encoder encoder(bytes);
  Message::fields(message, encoder);
  return bytes;
}

template <typename Message>
std::expected<Message, base::Error> decode(std::string_view bytes) {
  Message message;
  Decoder decoder(bytes);
  Message::fields(message, decoder);
  if (!decoder.finished()) return std::unexpected(base::Error{"malformed message"});
  return message;
}

}  // namespace ipc
