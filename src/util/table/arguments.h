#pragma once
// Inside the library: the braces in table names, as in "inline:{a=b, {c = d e}}" and "unionmap:{static:a,
// inline:{b=c}}".

#include <cstddef>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace table {

// Items between separators; a group in braces, wherever it stands in an item, shelters the separators within. An
// unbalanced group takes the rest. base::split_grouped knows groups only at the start of an item.
std::vector<std::string_view> split_items(std::string_view text);

// What stands between the braces of text that is one balanced group; nothing when it is not one.
std::optional<std::string_view> inside_braces(std::string_view text);

// The same for one group with blanks around its content, which are dropped. The error is Postfix's:
// missing '}' in "{a"; syntax error after '}' in "{a}b".
std::expected<std::string_view, std::string> group_content(std::string_view text);

// "a = b": a name without blanks, an equals sign, the value; blanks around both are dropped. The errors are Postfix's,
// without the text.
struct NameAndValue {
  std::string_view name;
  std::string_view value;
};
std::expected<NameAndValue, std::string> name_and_value(std::string_view text);

}  // namespace table
