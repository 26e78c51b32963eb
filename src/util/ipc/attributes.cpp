#include "ipc/attributes.h"

#include <fmt/format.h>

namespace ipc {

namespace {

void append_text(std::string& to, std::string_view text) {
  to += text.substr(0, text.find('\0'));
  to += '\0';
}

// Up to the next NUL byte; takes what it reads from `left`.
std::string read_text(io::Stream& stream, std::size_t& left) {
  std::string text;
  while (true) {
    if (stream.at_end()) {
      throw io::StreamError(io::StreamError::Kind::closed,
                            "the connection was closed in the middle of an attribute list");
    }
    const std::string_view input = stream.buffered();
    const std::size_t end = input.find('\0');
    const std::string_view part = input.substr(0, end);
    if (part.size() + 1 > left) {
      throw io::StreamError(io::StreamError::Kind::too_long, "the peer sends an attribute list that is too long");
    }
    left -= part.size();
    text += part;
    if (end != std::string_view::npos) {
      stream.consume(end + 1);
      --left;
      return text;
    }
    stream.consume(part.size());
  }
}

}  // namespace

void append_attribute(std::string& to, std::string_view name, std::string_view value) {
  append_text(to, name);
  append_text(to, value);
}

void append_attribute(std::string& to, std::string_view name, long value) {
  // Negative numbers travel as what an unsigned long makes of them, as in Postfix.
  append_attribute(to, name, fmt::format("{}", static_cast<unsigned long>(value)));
}

void append_end(std::string& to) {
  to += '\0';
}

std::string encode_attributes(const Attributes& attributes) {
  std::string bytes;
  for (const auto& [name, value] : attributes) append_attribute(bytes, name, value);
  append_end(bytes);
  return bytes;
}

Attributes read_attributes(io::Stream& stream, std::size_t most) {
  Attributes attributes;
  std::size_t left = most;
  while (true) {
    std::string name = read_text(stream, left);
    if (name.empty()) return attributes;
    std::string value = read_text(stream, left);
    attributes.emplace_back(std::move(name), std::move(value));
  }
}

std::string_view value_of(const Attributes& attributes, std::string_view name) {
  for (const auto& [each, value] : attributes) {
    if (each == name) return value;
  }
  return {};
}

}  // namespace ipc
