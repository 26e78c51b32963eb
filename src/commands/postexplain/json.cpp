#include "postexplain/json.h"

#include "base/text.h"

namespace postexplain {

std::string json_string(std::string_view text) {
  const std::string masked = base::is_valid_utf8(text) ? std::string(text) : base::printable(text);
  std::string result = "\"";
  for (const char c : masked) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (static_cast<unsigned char>(c) < ' ') {
      result += fmt::format("\\u{:04x}", static_cast<unsigned>(c));
    } else {
      result += c;
    }
  }
  return result + '"';
}

void Json::separate() {
  if (!first_) text_ += ", ";
  first_ = false;
}

Json& Json::open(char bracket) {
  if (!text_.empty() && !text_.ends_with(": ")) separate();
  text_ += bracket;
  closing_ += bracket == '{' ? '}' : ']';
  first_ = true;
  return *this;
}

Json& Json::key(std::string_view name) {
  separate();
  text_ += json_string(name) + ": ";
  return *this;
}

Json& Json::end() {
  text_ += closing_.back();
  closing_.pop_back();
  first_ = false;
  return *this;
}

Json& Json::member(std::string_view name, std::string_view value) {
  key(name);
  text_ += json_string(value);
  return *this;
}

Json& Json::member(std::string_view name, bool value) {
  key(name);
  text_ += value ? "true" : "false";
  return *this;
}

Json& Json::member(std::string_view name, int value) {
  key(name);
  text_ += std::to_string(value);
  return *this;
}

Json& Json::null(std::string_view name) {
  key(name);
  text_ += "null";
  return *this;
}

Json& Json::text(std::string_view value) {
  separate();
  text_ += json_string(value);
  return *this;
}

}  // namespace postexplain
