#pragma once
// JSON text, written from front to back.

#include <string>
#include <string_view>

namespace postexplain {

// Text as a JSON string. Control bytes are escaped, what is no UTF-8 becomes '?'.
std::string json_string(std::string_view text);

// One object or array and all within it. Commas come by themselves.
class Json {
 public:
  Json& object() { return open('{'); }
  Json& object(std::string_view name) { return key(name).object(); }
  Json& array(std::string_view name) { return key(name).open('['); }
  Json& end();  // of the innermost object or array
  Json& member(std::string_view name, std::string_view text);
  Json& member(std::string_view name, const std::string& text) { return member(name, std::string_view(text)); }
  Json& member(std::string_view name, const char* text) { return member(name, std::string_view(text)); }
  Json& member(std::string_view name, bool value);
  Json& member(std::string_view name, int value);
  Json& null(std::string_view name);
  Json& text(std::string_view value);  // in an array
  const std::string& written() const { return text_; }

 private:
  Json& open(char bracket);
  Json& key(std::string_view name);
  void separate();

  std::string text_;
  std::string closing_;  // the brackets that are open, innermost last
  bool first_ = true;
};

}  // namespace postexplain
