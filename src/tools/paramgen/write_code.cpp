// The header of typed constants, and the table of the registry.
//
// The table holds offsets into texts instead of pointers, so that it needs no relocation: a program that asks for three
// parameters touches the pages of three rows, and its start costs the dynamic linker nothing.

#include <map>

#include "base/text.h"
#include "write.h"

namespace paramgen {

namespace {

std::string_view key_type(Type type) {
  switch (type) {
    case Type::text:
      return "TextKey";
    case Type::boolean:
      return "BooleanKey";
    case Type::integer:
      return "IntegerKey";
    case Type::big_integer:
      return "BigIntegerKey";
    case Type::time:
      return "TimeKey";
    case Type::raw:
      return "RawKey";
  }
  return "";
}

std::string_view type_name(Type type) {
  switch (type) {
    case Type::text:
      return "text";
    case Type::boolean:
      return "boolean";
    case Type::integer:
      return "integer";
    case Type::big_integer:
      return "big_integer";
    case Type::time:
      return "time";
    case Type::raw:
      return "raw";
  }
  return "";
}

std::string_view kind_name(Kind kind) {
  switch (kind) {
    case Kind::parameter:
      return "parameter";
    case Kind::read_only:
      return "read_only";
    case Kind::family:
      return "family";
    case Kind::function:
      return "function";
    case Kind::obsolete:
      return "obsolete";
  }
  return "";
}

// A name fit for C++: one that begins with a digit gets an n in front.
std::string identifier(std::string_view name) {
  return (base::is_digit(name.front()) ? "n" : "") + std::string(name);
}

std::string quoted(std::string_view text) {
  std::string literal = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') literal += '\\';
    literal += c;
  }
  return literal + '"';
}

// Texts one after the other, each distinct one once.
class TextPool {
 public:
  // The "offset, length" of text.
  std::string place(const std::string& text) {
    auto found = offsets_.find(text);
    if (found == offsets_.end()) {
      found = offsets_.emplace(text, size_).first;
      size_ += text.size();
      if (!text.empty()) literals_ += "    " + quoted(text) + "\n";
    }
    return "{" + std::to_string(found->second) + ", " + std::to_string(text.size()) + "}";
  }
  std::string definition(std::string_view name) const {
    return "constexpr char " + std::string(name) + "[] =\n" + (literals_.empty() ? "    \"\"\n" : literals_) + ";\n\n";
  }

 private:
  std::map<std::string, std::size_t> offsets_;
  std::size_t size_ = 0;
  std::string literals_;
};

std::string bound(std::int64_t value, std::string_view lowest_or_highest) {
  const bool is_open =
      value == std::numeric_limits<std::int64_t>::min() || value == std::numeric_limits<std::int64_t>::max();
  return is_open ? "std::numeric_limits<std::int64_t>::" + std::string(lowest_or_highest) + "()"
                 : std::to_string(value);
}

}  // namespace

std::string constants_header(const std::vector<Entry>& entries) {
  std::string parameters;
  std::string families;
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const Entry& entry = entries[i];
    if (entry.kind == Kind::obsolete || entry.kind == Kind::function) continue;
    const bool is_family = entry.kind == Kind::family;
    const std::string name =
        identifier(is_family ? std::string_view(entry.name).substr(1) : std::string_view(entry.name));
    (is_family ? families : parameters) +=
        "inline constexpr " + std::string(key_type(entry.type)) + " " + name + "{" + std::to_string(i) + "};\n";
  }
  return "#pragma once\n// Made from conf/parameters/ by the build.\n\n#include \"config/parameter.h\"\n\n"
         "namespace config::param {\n\n" +
         parameters + "\nnamespace family {\n\n" + families +
         "\n}  // namespace family\n\n}  // namespace config::param\n";
}

std::string registry_table(const std::vector<Entry>& entries) {
  TextPool names;
  TextPool values;
  TextPool words;
  std::string rows;
  for (const Entry& entry : entries) {
    rows += "    {" + names.place(entry.name) + ", " + values.place(entry.default_value) + ", " +
            words.place(entry.area) + ", " + words.place(entry.used_by) + ", " + words.place(entry.since) + ", " +
            words.place(entry.advice) + ", " + words.place(entry.unserved) + ",\n     " + bound(entry.minimum, "min") +
            ", " + bound(entry.maximum, "max") + ", Type::" + std::string(type_name(entry.type)) +
            ", Kind::" + std::string(kind_name(entry.kind)) + ", '" + entry.unit + "'},\n";
  }
  return "// Made from conf/parameters/ by the build.\n\n" + names.definition("kNames") + values.definition("kValues") +
         words.definition("kWords") + "constexpr Row kRows[] = {\n" + rows + "};\n";
}

}  // namespace paramgen
